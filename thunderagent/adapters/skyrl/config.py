"""SkyRL's own configuration with a ``thunder:`` section, for its strict command line."""

# No `from __future__ import annotations`: SkyRL reads the fields' types at run time.

import dataclasses
import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from skyrl.train.config import SkyRLTrainConfig
from skyrl.train.config.config import BaseConfig

from thunderagent.config import SKYRL_ORDER, ThunderConfig
from thunderagent.errors import ConfigError
from thunderagent.tools_config import ToolsConfig


def _section(name: str, source: type, *others: tuple[str, Any, Any], **defaults: Any) -> Any:
    """One of our configurations as a SkyRL config class: the same keys and defaults but for these, with SkyRL's own parsing."""
    hints = get_type_hints(source)
    own = [(f.name, hints[f.name], field(default=defaults.get(f.name, f.default))) for f in dataclasses.fields(source)]
    return dataclasses.make_dataclass(name, [*own, *others], bases=(BaseConfig,), namespace={"__module__": __name__})


ToolsSection: Any = _section("ToolsSection", ToolsConfig)
ThunderSection: Any = _section(
    "ThunderSection",
    ThunderConfig,
    ("gateway", bool | str, field(default=False)),
    ("job", str | None, field(default=None)),
    ("tools", ToolsSection, field(default_factory=ToolsSection)),
    order=SKYRL_ORDER,
)
"""``gateway``: our gateway takes the place of SkyRL's router, for harnesses that make their requests themselves; or one that runs
already, which several jobs share: ``http://HOST:PORT``, or ``ray:NAME`` in the job's Ray cluster.

``job``: how its programs begin there; null: by a random word.

``tools``: sandboxes for environments.
"""


def refuse_unknown_keys(arguments: Iterable[str]) -> None:
    """Look at ``thunder.*`` before SkyRL does, which would only say that the key is invalid.

    Raises:
        ConfigError: there is no such key; names the nearest.
    """
    known = [f"thunder.{f.name}" for f in dataclasses.fields(ThunderSection) if f.name != "tools"]
    known += [f"thunder.tools.{f.name}" for f in dataclasses.fields(ToolsSection)]
    for argument in arguments:
        key, _, value = argument.lstrip("+").partition("=")
        if key.startswith("thunder.") and key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
            raise ConfigError(key, value, f"there is no such key; the nearest is {nearest[0]}")


@dataclass
class ThunderSkyRLConfig(SkyRLTrainConfig):
    """``SkyRLTrainConfig`` plus ``thunder.*``."""

    thunder: ThunderSection = field(default_factory=ThunderSection)

    def thunder_config(self) -> ThunderConfig:
        """The validated settings of the scheduler."""
        config = ThunderConfig(**{f.name: getattr(self.thunder, f.name) for f in dataclasses.fields(ThunderConfig)})
        config.validate()
        return config

    def tools_config(self) -> ToolsConfig:
        """The validated settings of tool environments."""
        config = ToolsConfig(**{f.name: getattr(self.thunder.tools, f.name) for f in dataclasses.fields(ToolsConfig)})
        config.validate(prefix="thunder.tools.")
        return config
