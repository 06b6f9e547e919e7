"""How a recipe begins: what is missing, what is misspelt and what is wrong is one line on stderr, exit status 2."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from thunderagent.errors import ConfigError


def run(needed: Sequence[str], load: Callable[[], tuple[Callable[[], None], Any]], *, extra: str = "recipes") -> None:
    """Run a Hydra application.

    Args:
        needed: modules without which it cannot run.
        load: imports it; gives the application and the dataclass of its configuration.
        extra: brings what it needs.
    """
    missing = [module for module in needed if importlib.util.find_spec(module) is None]
    if missing:
        fail(f"{', '.join(missing)} not installed: run scripts/setup, or pip install 'thunderagent[{extra}]'")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors through to here, instead of a report and exit status 1
    from recipes.common.hydra_config import HYDRA_ERRORS, check_spelling, explain

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a plain `kill` cleans up as Ctrl-C does
    schema: Any = None
    try:
        check_spelling(sys.argv[1:])
        app, schema = load()
        app()
    except ConfigError as error:
        fail(str(error))
    except HYDRA_ERRORS as error:
        fail(explain(error, schema))
    except KeyboardInterrupt:
        sys.exit(130)


def fail(message: str) -> NoReturn:
    """The user made a mistake."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
