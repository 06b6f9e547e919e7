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

_HINTS = get_type_hints(ThunderConfig)
ThunderSection: Any = dataclasses.make_dataclass(
    "ThunderSection",
    [
        *(
            (f.name, _HINTS[f.name], field(default=SKYRL_ORDER if f.name == "order" else f.default))
            for f in dataclasses.fields(ThunderConfig)
        ),
        ("gateway", bool, field(default=False)),
    ],
    bases=(BaseConfig,),
    namespace={"__module__": __name__},
)
"""``ThunderConfig`` as a SkyRL config class: the same keys and defaults but for the order, with SkyRL's own parsing.

``gateway``: our gateway takes the place of SkyRL's router, for harnesses that make their requests themselves.
"""


def refuse_unknown_keys(arguments: Iterable[str]) -> None:
    """Look at ``thunder.*`` before SkyRL does, which would only say that the key is invalid.

    Raises:
        ConfigError: there is no such key; names the nearest.
    """
    known = [f"thunder.{f.name}" for f in dataclasses.fields(ThunderSection)]
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
