"""The recipe's configuration: defaults live here, the YAML files under ``configs/`` hold differences."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from recipes.common.config import CapacityConfig, SchedulingConfig, ThunderSwitch, mode_name, require_positive, thunder_config
from recipes.common.config import EngineConfig as CommonEngineConfig
from recipes.common.tracking import TrackingConfig
from thunderagent.config import SKYRL_ORDER
from thunderagent.errors import ConfigError

ENGINES = ("simulated", "sglang")
"""What slime rolls out with."""


@dataclass
class EngineConfig(CommonEngineConfig):
    """Which engine answers the turns."""

    kv_capacity_tokens: int = 110_000
    """Embedded: size of its KV cache. With ``off``, the contexts of the programs in flight come to about four times this."""
    time_scale: float = 12.0
    """Embedded: simulated seconds per second of wall time; faster, slime's client would be what is waited for."""


@dataclass
class RolloutConfig:
    """How much is rolled out; slime's own names are in ``arguments.py``."""

    steps: int = 2
    """Training steps."""
    prompts_per_step: int = 8
    """Prompt groups that one training step takes."""
    samples_per_prompt: int = 8
    """GRPO group size."""
    over_sampling: float = 1.0
    """Groups that a step begins at a time, as a multiple of ``prompts_per_step``; above 1, it aborts those that are left."""
    partial: bool = False
    """Whether what was aborted goes on in the next step."""
    max_turns: int = 14
    """Turns after which an attempt ends without an answer."""
    max_response_tokens: int = 30_000
    """Longest attempt, with all that it reads."""
    search_top: int = 4
    """Passages that a search gives back."""
    search_latency_s: float = 1.5
    """Seconds (median of a lognormal) that a search takes; with the embedded engine, simulated ones."""
    train_step_s: float = 0.5
    """Stand-in for the optimiser's time, in seconds."""
    seed: int = 0
    """Chooses the questions' order and what the embedded engine says."""


@dataclass
class RecipeConfig:
    """All of it."""

    model: str | None = None
    """What SGLang serves, a name or a path; its tokenizer is used. The embedded engine has one of its own."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    scheduling: SchedulingConfig = field(default_factory=lambda: SchedulingConfig(order=SKYRL_ORDER))
    capacity: CapacityConfig = field(default_factory=CapacityConfig)
    thunder: ThunderSwitch = field(default_factory=ThunderSwitch)
    rollout: RolloutConfig = field(default_factory=RolloutConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    progress: bool = True
    """A live display while the run goes on."""

    @property
    def mode(self) -> str:
        """What the summary calls this run."""
        return mode_name(self.scheduling, self.thunder)

    @property
    def trajectories(self) -> int:
        """Trajectories that a complete run has."""
        return self.rollout.steps * self.rollout.prompts_per_step * self.rollout.samples_per_prompt

    @property
    def search_latency_s(self) -> float:
        """In seconds of wall time."""
        scale = self.engine.time_scale if self.engine.kind == "simulated" else 1.0
        return self.rollout.search_latency_s / scale

    def validate(self) -> None:
        """Check everything that can be checked without an engine.

        Raises:
            ConfigError: names the key, its value and what is allowed.
        """
        self.engine.validate_with(
            self.model, ENGINES, port=30_000, example="Qwen/Qwen2.5-3B-Instruct", why=": slime rolls out with SGLang"
        )
        self.capacity.validate()
        self.tracking.validate()
        thunder_config(self.scheduling, self.capacity, self.thunder, profile_dir=None).validate(prefix="scheduling.")
        for name in ("steps", "prompts_per_step", "samples_per_prompt", "max_turns", "max_response_tokens", "search_top"):
            require_positive(self.rollout, "rollout", name)
        if not self.rollout.over_sampling >= 1:
            raise ConfigError("rollout.over_sampling", self.rollout.over_sampling, "must be at least 1")
        if not self.rollout.search_latency_s >= 0:
            raise ConfigError("rollout.search_latency_s", self.rollout.search_latency_s, "must not be negative; 0: none")

    def thunder_section(self, profile_dir: str) -> dict[str, Any]:
        """The section ``thunder`` of slime's custom configuration, without the functions."""
        others = {"engine_failure": "end", "wandb": self.tracking.scheduling_project}
        return asdict(thunder_config(self.scheduling, self.capacity, self.thunder, profile_dir=profile_dir, **others))
