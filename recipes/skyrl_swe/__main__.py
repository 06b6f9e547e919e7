"""``python -m recipes.skyrl_swe +thunder=on``"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys

NEEDED = {
    "hydra": "recipes",
    "omegaconf": "recipes",
    "rich": "recipes",
    "psutil": "recipes",
    "matplotlib": "recipes",
    "yaml": "recipes",
    "minisweagent": "recipes",
    "wandb": "recipes",
    "aiohttp": "recipes",
    "orjson": "recipes",
    "tokenizers": "recipes",
    "ray": "recipes",
    "torch": "recipes",
    "skyrl": "recipes",
    "skyrl_gym": "recipes",
}


def main() -> None:
    """Run the recipe; a mistake in the configuration is one line on stderr and exit status 2."""
    missing = [module for module in NEEDED if importlib.util.find_spec(module) is None]
    if missing:
        _fail(f"{', '.join(missing)} not installed: run scripts/setup, or pip install 'thunderagent[recipes]'")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors through to here, instead of a report and exit status 1
    from recipes.skyrl_swe.app import app
    from recipes.skyrl_swe.hydra_config import HYDRA_ERRORS, check_spelling, explain
    from thunderagent.errors import ConfigError

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a plain `kill` cleans up as Ctrl-C does
    try:
        check_spelling(sys.argv[1:])
        app()
    except ConfigError as error:
        _fail(str(error))
    except HYDRA_ERRORS as error:
        _fail(explain(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
