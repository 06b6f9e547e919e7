"""thunderagent under SkyRL. Three ways, from the shortest:

- SkyRL's own command line: ``python -m skyrl.train.entrypoints.main_base trainer.override_entrypoint=thunderagent.adapters.skyrl
  thunder.mode=thunder ...`` (every key of ``thunderagent.config.ThunderConfig`` is there as ``thunder.*``);
- your own experiment: ``class Exp(ThunderMixin, YourExp)`` with a ``ThunderSkyRLConfig``;
- a recipe: ``python -m recipes.skyrl_swe +thunder=on``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from thunderagent.adapters.skyrl.compat import prepare_import

if TYPE_CHECKING:
    from thunderagent.adapters.skyrl.client import ThunderClient
    from thunderagent.adapters.skyrl.config import ThunderSkyRLConfig
    from thunderagent.adapters.skyrl.experiment import ThunderExp, ThunderMixin

__all__ = ["ThunderClient", "ThunderExp", "ThunderMixin", "ThunderSkyRLConfig", "main"]
_MODULES = {"ThunderClient": "client", "ThunderExp": "experiment", "ThunderMixin": "experiment", "ThunderSkyRLConfig": "config"}


def main() -> None:
    """Entry point for ``trainer.override_entrypoint=thunderagent.adapters.skyrl``."""
    from thunderagent.adapters.skyrl import experiment

    experiment.main()


def __getattr__(name: str) -> Any:
    """The classes, imported with SkyRL when they are first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    prepare_import()
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
