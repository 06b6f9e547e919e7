"""SkyRL's own configuration with a ``thunder:`` section, for its strict command line."""

# No `from __future__ import annotations`: SkyRL reads the fields' types at run time.

import dataclasses
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from skyrl.train.config import SkyRLTrainConfig
from skyrl.train.config.config import BaseConfig

from thunderagent.config import SKYRL_ORDER, ThunderConfig

_HINTS = get_type_hints(ThunderConfig)
ThunderSection: Any = dataclasses.make_dataclass(
    "ThunderSection",
    [
        (f.name, _HINTS[f.name], field(default=SKYRL_ORDER if f.name == "order" else f.default))
        for f in dataclasses.fields(ThunderConfig)
    ],
    bases=(BaseConfig,),
    namespace={"__module__": __name__},
)
"""``ThunderConfig`` as a SkyRL config class: the same keys and defaults but for the order, with SkyRL's own parsing."""


@dataclass
class ThunderSkyRLConfig(SkyRLTrainConfig):
    """``SkyRLTrainConfig`` plus ``thunder.*``."""

    thunder: ThunderSection = field(default_factory=ThunderSection)

    def thunder_config(self) -> ThunderConfig:
        """The validated settings of the scheduler."""
        config = ThunderConfig(**{f.name: getattr(self.thunder, f.name) for f in dataclasses.fields(ThunderConfig)})
        config.validate()
        return config
