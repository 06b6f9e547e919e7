"""thunderagent under SkyRL. Three ways, from the shortest:

- SkyRL's command line: ``python -m thunderagent.adapters.skyrl thunder.mode=thunder ...`` with all keys of SkyRL's (and every key
  of ``thunderagent.config.ThunderConfig`` as ``thunder.*``). ``python -m skyrl.train.entrypoints.main_base
  trainer.override_entrypoint=thunderagent.adapters.skyrl ...`` is the same;
- your own experiment: ``class Exp(ThunderMixin, YourExp)`` with a ``ThunderSkyRLConfig``;
- a recipe: ``python -m recipes.skyrl_swe +thunder=on``.

docs/skyrl.md tells what each does.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from thunderagent.adapters.skyrl.compat import load, prepare_import
from thunderagent.errors import ConfigError

if TYPE_CHECKING:
    from thunderagent.adapters.skyrl.client import ThunderClient
    from thunderagent.adapters.skyrl.config import ThunderSkyRLConfig
    from thunderagent.adapters.skyrl.experiment import ThunderExp
    from thunderagent.adapters.skyrl.mixin import ThunderMixin

prepare_import()  # here, since Ray's workers and users' experiments import SkyRL with one of the modules

__all__ = ["ThunderClient", "ThunderExp", "ThunderMixin", "ThunderSkyRLConfig", "main"]
_MODULES = {"ThunderClient": "client", "ThunderExp": "experiment", "ThunderMixin": "mixin", "ThunderSkyRLConfig": "config"}


def main() -> None:
    """Entry point, also for ``trainer.override_entrypoint=thunderagent.adapters.skyrl``."""
    try:
        load(f"{__name__}.experiment").main()
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def __getattr__(name: str) -> Any:
    """The classes, imported with SkyRL when they are first asked for.

    Raises:
        ConfigError: SkyRL is not installed, or not as it has to be.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(load(f"{__name__}.{_MODULES[name]}"), name)
