"""The Hydra groups that recipes share: defaults live here, the YAML files under ``configs/`` hold differences."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from thunderagent.config import MODES, ThunderConfig
from thunderagent.errors import ConfigError

PACKAGED_CONFIGS = Path(__file__).parents[2] / "thunderagent" / "configs"
CONFIG_DIR = PACKAGED_CONFIGS if PACKAGED_CONFIGS.is_dir() else Path(__file__).parents[2] / "configs"
"""``configs/`` travels inside the wheel as package data; a checkout has it at the top."""

CAPACITIES = ("auto", "fixed")


@dataclass
class EngineConfig:
    """Which engine answers the turns (Hydra group ``engine``)."""

    kind: str = "simulated"
    """``simulated``: the embedded one, started and stopped by the recipe; any other: what is served already at ``urls``."""
    urls: list[str] = field(default_factory=list)
    """Engines that are already served, as http://host:port; empty for the embedded one."""
    kv_capacity_tokens: int = 130_000
    """Embedded: size of its KV cache."""
    prefill_tokens_per_s: float = 4_500.0
    """Embedded: prompt tokens computed per simulated second."""
    decode_step_s: float = 0.011
    """Embedded: simulated seconds that a step of the whole batch takes."""
    decode_s_per_kv_token: float = 130e-9
    """Embedded: simulated seconds to read the KV of one token of context."""
    time_scale: float = 18.0
    """Embedded: simulated seconds per second of wall time."""

    def validate_embedded(self) -> None:
        """Check what describes the embedded engine.

        Raises:
            ConfigError: names the key, its value and what is allowed.
        """
        for name in ("kv_capacity_tokens", "prefill_tokens_per_s", "decode_step_s", "time_scale"):
            require_positive(self, "engine", name)

    def validate_with(self, model: str | None, kinds: tuple[str, ...], *, port: int, example: str, why: str = "") -> None:
        """Check everything, and that the model goes with it.

        Args:
            model: what is served; the embedded engine has its own.
            kinds: that the recipe takes, the embedded one first.
            port: that such engines have by default, for advice.
            example: a model, for advice.
            why: there are no other kinds.

        Raises:
            ConfigError: names the key, its value and what is allowed.
        """
        if self.kind not in kinds:
            raise ConfigError("engine.kind", self.kind, f"must be one of {', '.join(kinds)}{why}")
        if self.kind == kinds[0]:
            self.validate_embedded()
            if model is not None:
                served = " or ".join(f"engine={kind}" for kind in kinds[1:])
                raise ConfigError("model", model, f"goes with {served}; the embedded engine has its own")
            return
        if not self.urls:
            raise ConfigError("engine.urls", self.urls, f"name at least one served engine: engine.urls=[http://host:{port}]")
        for url in self.urls:
            if not url.startswith(("http://", "https://")):
                raise ConfigError("engine.urls", url, "must start with http:// or https://")
        if not model:
            raise ConfigError("model", model, f"name the served model: model={example}")


@dataclass
class CapacityConfig:
    """How much of each engine's KV cache programs may fill (Hydra group ``capacity``)."""

    kind: str = "auto"
    """``auto``: what the engine says of itself, unless ``tokens`` is given; ``fixed``: ``tokens`` has to be given."""
    tokens: int | None = None
    """KV cache of each engine that programs may fill, in tokens; null: ask the engine."""

    def validate(self) -> None:
        """Check both.

        Raises:
            ConfigError: names the key, its value and what is allowed.
        """
        if self.kind not in CAPACITIES:
            raise ConfigError("capacity.kind", self.kind, f"must be one of {', '.join(CAPACITIES)}")
        if self.kind == "fixed" and self.tokens is None:
            raise ConfigError("capacity", "fixed", "say how much: capacity=fixed capacity.tokens=200000")
        if self.tokens is not None and not self.tokens > 0:
            raise ConfigError("capacity.tokens", self.tokens, "must be a positive number, or null to ask the engine")


@dataclass
class SchedulingConfig:
    """The policy (Hydra group ``scheduling``); keys and defaults are those of ``thunderagent.config.ThunderConfig``."""

    mode: str = ThunderConfig.mode
    resume_below: float | None = ThunderConfig.resume_below
    pause_above: float = ThunderConfig.pause_above
    hints: bool = ThunderConfig.hints
    feedback: bool = ThunderConfig.feedback
    order: str = ThunderConfig.order
    group_aware: bool = ThunderConfig.group_aware
    programs_per_engine: int = ThunderConfig.programs_per_engine
    routing: str = ThunderConfig.routing
    acting_token_weight: float = ThunderConfig.acting_token_weight
    acting_half_life_s: float | None = ThunderConfig.acting_half_life_s
    tick_s: float | None = ThunderConfig.tick_s
    published: bool = ThunderConfig.published
    max_wait_s: float | None = ThunderConfig.max_wait_s
    idle_ttl_s: float | None = ThunderConfig.idle_ttl_s
    max_programs: int | None = ThunderConfig.max_programs
    max_sync_s: float | None = ThunderConfig.max_sync_s


@dataclass
class ThunderSwitch:
    """``+thunder=on`` or ``+thunder=off``."""

    enabled: bool = False
    """Whether turns are scheduled; off, every turn passes through at once and is measured the same way."""


def thunder_config(
    scheduling: SchedulingConfig, capacity: CapacityConfig, switch: ThunderSwitch, *, profile_dir: str | None, **others: Any
) -> ThunderConfig:
    """The scheduler's settings that these groups come to."""
    values = {f.name: getattr(scheduling, f.name) for f in fields(SchedulingConfig)}
    if not switch.enabled and values["mode"] in MODES:  # an unknown mode is still to be complained about
        values["mode"] = "default"
    return ThunderConfig(**values, capacity_tokens=capacity.tokens, profile_dir=profile_dir, **others)


def mode_name(scheduling: SchedulingConfig, switch: ThunderSwitch) -> str:
    """What summaries call a run."""
    if not switch.enabled:
        return "off"
    return "tr_published" if scheduling.mode == "tr" and scheduling.published else scheduling.mode


def require_positive(section: Any, section_name: str, name: str) -> None:
    """Check one number.

    Raises:
        ConfigError: it is not positive.
    """
    value = getattr(section, name)
    if not value > 0:
        raise ConfigError(f"{section_name}.{name}", value, "must be a positive number")
