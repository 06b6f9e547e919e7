"""The recipe's configuration: defaults live here, the YAML files under ``configs/`` hold differences."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recipes.common.config import CapacityConfig, SchedulingConfig, ThunderSwitch, mode_name, require_positive, thunder_config
from recipes.common.config import EngineConfig as CommonEngineConfig
from recipes.common.tracking import TrackingConfig
from thunderagent.config import SKYRL_ORDER, ThunderConfig
from thunderagent.errors import ConfigError
from thunderagent.tools_config import ToolsConfig

ENGINES = ("simulated", "vllm", "sglang")
PREPARING = 32
"""Sandboxes at once: as many as SkyRL has threads for environments. Runs with the embedded engine mostly wait, which is cheap."""


@dataclass
class EngineConfig(CommonEngineConfig):
    """Which engine answers the turns, and what stands in for the time that real tools take."""

    kv_capacity_tokens: int = 130_000
    """Embedded: size of its KV cache. The default rollout's load on it is about 4x: averaged over a run with ``off``, the
    contexts of the programs in flight come to 4.2 times this, and to 3.2 times this with every shared prompt counted once."""
    tool_latency_s: float = 1.5
    """Embedded: simulated seconds (median of a lognormal) that each command takes beyond its own time. The recipe's small
    repositories answer in milliseconds; real ones take 1.5 s, and with ``time_scale`` the proportion is kept. 0: none."""
    sandbox_start_s: float = 30.0
    """Embedded: simulated seconds (median) that an attempt's sandbox takes to start; 30 to 47 s are published. 0: none."""


@dataclass
class RolloutConfig:
    """How much is rolled out."""

    steps: int = 4
    """Training steps; with ``prompts_per_step`` this sets the number of trajectories."""
    prompts_per_step: int = 8
    """Prompt groups that one training step takes (SkyRL's mini-batch)."""
    samples_per_prompt: int = 4
    """GRPO group size."""
    parallel_prompts: int = 20
    """Prompt groups in flight at once."""
    max_turns: int = 12
    """Turns after which an attempt ends unsolved (or solved, if the hidden tests pass)."""
    max_answer_tokens: int = 2048
    """Longest answer of one turn."""
    max_prompt_tokens: int = 60_000
    """Longest context that is sent to the engine."""
    simulate_training: bool | None = None
    """Whether the optimiser's step is SkyRL's simulated one; null: only with the embedded engine, which has no weights."""
    train_step_s: float = 0.5
    """Stand-in for the optimiser's time in the simulated training step, in seconds."""
    weight_sync_s: float = 0.3
    """Stand-in for the weight broadcast, in seconds; generation is paused meanwhile."""
    seed: int = 0
    """Chooses the tasks' order and the replayed answers."""


@dataclass
class RecipeConfig:
    """All of it. SkyRL's own keys can be set under ``skyrl``: ``+skyrl.trainer.policy.optimizer_config.lr=1e-6``."""

    model: str | None = None
    """What ``vllm`` or ``sglang`` serve, a name or a path; its tokenizer is used. The embedded engine has one of its own."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    scheduling: SchedulingConfig = field(default_factory=lambda: SchedulingConfig(order=SKYRL_ORDER))
    capacity: CapacityConfig = field(default_factory=CapacityConfig)
    thunder: ThunderSwitch = field(default_factory=ThunderSwitch)
    tools: ToolsConfig = field(default_factory=lambda: ToolsConfig(backend="bubblewrap", max_preparing=PREPARING))
    """Where commands run. ``image`` and ``setup`` are those of every attempt's sandbox, into which the repository is put."""
    rollout: RolloutConfig = field(default_factory=RolloutConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    skyrl: dict[str, Any] = field(default_factory=dict)
    """SkyRL's own keys: ``+skyrl.trainer.policy.optimizer_config.lr=1e-6``."""
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
    def simulate_training(self) -> bool:
        """See ``rollout.simulate_training``."""
        chosen = self.rollout.simulate_training
        return self.engine.kind == "simulated" if chosen is None else chosen

    def validate(self) -> None:
        """Check everything that can be checked without an engine.

        Raises:
            ConfigError: names the key, its value and what is allowed.
        """
        self.engine.validate_with(self.model, ENGINES, port=8_000, example="Qwen/Qwen2.5-Coder-7B-Instruct")
        self.capacity.validate()
        self.thunder_config(None).validate(prefix="scheduling.")
        self.tracking.validate()
        self.tools.validate()
        if self.tools.backend in ("docker", "callable") and not self.tools.image:
            raise ConfigError("tools.image", "", "name an image that has bash, Python 3, git and tar: tools.image=IMAGE")
        for name in ("steps", "prompts_per_step", "samples_per_prompt", "parallel_prompts", "max_turns", "max_answer_tokens"):
            require_positive(self.rollout, "rollout", name)
        if self.rollout.parallel_prompts < self.rollout.prompts_per_step:
            raise ConfigError(
                "rollout.parallel_prompts",
                self.rollout.parallel_prompts,
                f"must be at least rollout.prompts_per_step={self.rollout.prompts_per_step}",
            )

    def thunder_config(self, profile_dir: str | None) -> ThunderConfig:
        """The scheduler's settings for this run."""
        others = {"engine_failure": "end", "wandb": self.tracking.scheduling_project}
        return thunder_config(self.scheduling, self.capacity, self.thunder, profile_dir=profile_dir, **others)

    def tools_config(self, work_dir: Path) -> ToolsConfig:
        """The tools' settings for this run. With ``+thunder=off``, sandboxes are prepared when they are asked for."""
        folder = self.tools.folder or str(work_dir / "sandboxes")
        ahead = self.tools.ahead and self.thunder.enabled
        return replace(self.tools, image="", setup="", folder=folder, ahead=ahead)  # environments say which image
