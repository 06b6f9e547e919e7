"""The settings of the scheduler, one flat dataclass for every host: SkyRL, recipes, gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from thunderagent.core import DefaultPolicy, Policy, TrPolicy
from thunderagent.errors import ConfigError

MODES = ("default", "tr")
ENGINE_FAILURES = ("raise", "end")


@dataclass(frozen=True)
class ThunderConfig:
    """Every key has a default that works. ``validate`` says what is wrong in one line."""

    mode: str = "tr"
    """Scheduling policy: ``default`` passes every turn through and measures it, ``tr`` pauses and resumes whole programs."""
    capacity_tokens: int | None = None
    """KV cache of each engine in tokens; null: ask the engine (``vllm:cache_config_info``)."""
    pause_above: float = 1.0
    """``tr``: programs are paused when more than this fraction of the KV cache is committed."""
    resume_below: float = 0.9
    """``tr``: programs are admitted up to this fraction. The gap to ``pause_above`` is room for residents to grow."""
    acting_token_weight: float = 1.0
    """``tr``: share of the tokens of a program in a tool call that counts as committed."""
    max_wait_s: float | None = 1800.0
    """``tr``: a turn held back for longer is admitted by force; null: never."""
    engine_poll_s: float = 1.0
    """Seconds between two looks at an engine's capacity and health."""
    engine_failure: str = "raise"
    """When an engine dies under a turn: ``raise`` its error to the framework, or ``end`` the trajectory with an empty answer."""
    profile_dir: str | None = None
    """Where ``profile.csv`` and ``profile.jsonl`` (one line per step) are written; null: nowhere."""

    def validate(self, prefix: str = "thunder.") -> None:
        """Check every value.

        Raises:
            ConfigError: names the key, its value and what is allowed.
        """
        for field in fields(self):
            problem = _PROBLEMS.get(field.name, _none)(getattr(self, field.name))
            if problem is not None:
                raise ConfigError(prefix + field.name, getattr(self, field.name), problem)
        if self.resume_below > self.pause_above:
            raise ConfigError(
                prefix + "resume_below", self.resume_below, f"must not be above {prefix}pause_above={self.pause_above}"
            )


def build_policy(config: ThunderConfig) -> Policy:
    """The policy that a validated configuration names."""
    if config.mode == "default":
        return DefaultPolicy()
    return TrPolicy(
        pause_above=config.pause_above,
        resume_below=config.resume_below,
        acting_token_weight=config.acting_token_weight,
        max_wait_s=config.max_wait_s,
    )


def _none(value: object) -> str | None:
    return None


def _one_of(*allowed: str) -> Callable[[object], str | None]:
    def check(value: object) -> str | None:
        return None if value in allowed else f"must be one of {', '.join(allowed)}"

    return check


def _positive(value: object) -> str | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return None if usable else "must be a positive number"


def _positive_or_null(value: object) -> str | None:
    return None if value is None or _positive(value) is None else "must be a positive number, or null"


def _fraction(value: object) -> str | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return None if usable else "must be between 0 and 1"


_PROBLEMS: dict[str, Callable[[object], str | None]] = {
    "mode": _one_of(*MODES),
    "capacity_tokens": _positive_or_null,
    "pause_above": _positive,
    "resume_below": _positive,
    "acting_token_weight": _fraction,
    "max_wait_s": _positive_or_null,
    "engine_poll_s": _positive,
    "engine_failure": _one_of(*ENGINE_FAILURES),
}
