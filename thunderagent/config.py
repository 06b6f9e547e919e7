"""The settings of the scheduler, one flat dataclass for every host: SkyRL, recipes, gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, get_args

from thunderagent.checks import (
    Check,
    check_fields,
    event_port,
    fraction,
    one_of,
    positive,
    positive_or_null,
    positive_whole,
    wandb_project,
    whole,
)
from thunderagent.core import CapPolicy, DefaultPolicy, Limits, Policy, ThunderPolicy, TrPolicy
from thunderagent.core.policies.default import Routing
from thunderagent.core.policies.thunder import FEEDBACK, Order
from thunderagent.errors import ConfigError

MODES = ("default", "cap", "tr", "thunder")
ROUTINGS: tuple[str, ...] = get_args(Routing)
ORDERS: tuple[str, ...] = get_args(Order)
ENGINE_FAILURES = ("raise", "end")
SKYRL_ORDER: Order = "age"
"""A step of RL is over when its last program is."""
_LIMITS = Limits()


@dataclass(frozen=True)
class ThunderConfig:
    """Every key has a default that works. ``validate`` says what is wrong in one line."""

    mode: str = "thunder"
    """Scheduling policy: ``default`` passes every turn through and measures it; ``cap`` runs a fixed number of programs;
    ``tr`` is the published policy; ``thunder`` is ours: admission in order, KV caches held while they are worth it."""
    capacity_tokens: int | None = None
    """KV cache of each engine in tokens; null: ask the engine."""
    resume_below: float | None = None
    """``thunder``, ``tr``: programs are admitted up to this fraction of the KV cache. The gap to ``pause_above`` is room in which
    residents grow; null: 0.87 for ``thunder`` (with hints 0.94, with a host tier 0.9), 0.9 for ``tr``."""
    pause_above: float = 1.0
    """``thunder``, ``tr``: programs are paused when more than this fraction is committed."""
    hints: bool = False
    """``thunder``: whether the engines take hints on what to evict first."""
    feedback: bool = True
    """``thunder``: whether the capacity is corrected by the cache misses that are seen."""
    order: str = "waiting"
    """``thunder``: who is admitted first. ``waiting``: whoever has waited longest: short waits for all, and most throughput;
    ``age``: the oldest program: a batch is over earliest, such as an RL step (SkyRL's default)."""
    group_aware: bool = False
    """``thunder``: whether programs go first whose siblings in their RL prompt group have finished."""
    programs_per_engine: int = 16
    """``cap``: programs that run at once on each engine."""
    routing: str = "sticky"
    """``default``: ``sticky``: a program stays on the engine where it began; ``least-loaded``: each turn goes where the fewest
    run; ``prefix-affinity``: where its prompt is likely cached, unless too many run there."""
    acting_token_weight: float = 1.0
    """``tr``: share of the tokens of a program in a tool call that counts as committed."""
    acting_half_life_s: float | None = None
    """``tr``: seconds after which the tokens of a program in a tool call count half, a quarter after twice as many (published:
    1); null: no decay."""
    tick_s: float | None = None
    """``tr``: pauses and resumes are decided every so many seconds; null: with every event (``published``: every 5 s)."""
    published: bool = False
    """``tr``: with the scheduling defects of the public code, its 5 s tick included, to compare with."""
    max_wait_s: float | None = 1800.0
    """``thunder``, ``tr``: a program held back for longer is admitted by force; null: never."""
    idle_ttl_s: float | None = _LIMITS.idle_ttl_s
    """A program that has had no turn for longer is forgotten; null: never."""
    max_programs: int | None = _LIMITS.max_programs
    """Programs tracked at once; beyond it the longest idle are forgotten, then new ones refused; null: no bound."""
    max_sync_s: float | None = _LIMITS.max_sync_s
    """A weight sync that lasts longer is taken as ended; null: never."""
    engine_poll_s: float = 1.0
    """Seconds between two looks at an engine's capacity and health."""
    kv_events: int | str | None = None
    """Port on which each engine publishes the events of its KV cache (vLLM's and SGLang's ``--kv-events-config``): how much of a
    program's KV is still there is then known and not guessed. ``http+1000``: the engine's own port and 1000 more, for several
    engines on one host; data-parallel ranks follow on the next ports; null: events are not read."""
    kv_events_replay: int | str | None = None
    """Port of each engine's ``replay_endpoint``, written as ``kv_events``: what was stored before, or missed, is asked for there;
    null: nowhere."""
    engine_failure: str = "raise"
    """When an engine dies under a turn: ``raise`` its error to the framework, or ``end`` the trajectory with an empty answer."""
    profile_dir: str | None = None
    """Where ``profile.csv`` and ``profile.jsonl`` (one line per step) are written; null: nowhere."""
    profile_max_bytes: int = 1 << 30
    """``profile.jsonl`` grows to this, some two million steps; then a new one is begun, and it becomes ``profile.1.jsonl``."""
    profile_keep: int = 4
    """Older profiles that stay, besides the one that is written."""
    store: str | None = None
    """SQLite file in which programs, and what was learned of tools and engines, outlive the process; null: nothing does."""
    wandb: str | None = None
    """W&B project, or ``ENTITY/PROJECT``, that gets a run of the scheduler: offline where there is no key; null: none."""
    wandb_interval_s: float = 10.0
    """Seconds between two samples of the run in ``wandb``."""

    def validate(self, prefix: str = "thunder.") -> None:
        """Check every value.

        Raises:
            ConfigError: names the key, its value and what is allowed.
        """
        check_fields(self, _CHECKS, prefix)
        if self.resume_below is not None and self.resume_below > self.pause_above:
            raise ConfigError(
                prefix + "resume_below", self.resume_below, f"must not be above {prefix}pause_above={self.pause_above}"
            )
        if self.kv_events is None and self.kv_events_replay is not None:
            raise ConfigError(
                prefix + "kv_events_replay", self.kv_events_replay, f"goes with {prefix}kv_events, which is not set"
            )


def build_policy(config: ThunderConfig) -> Policy:
    """The policy that a validated configuration names."""
    if config.mode == "default":
        return DefaultPolicy(cast(Routing, config.routing))
    if config.mode == "cap":
        return CapPolicy(config.programs_per_engine)
    if config.mode == "thunder":
        return ThunderPolicy(
            resume_below=config.resume_below,
            pause_above=config.pause_above,
            hints=config.hints,
            feedback=FEEDBACK if config.feedback else 0.0,
            order=cast(Order, config.order),
            group_aware=config.group_aware,
            max_wait_s=config.max_wait_s,
        )
    policy = TrPolicy.published() if config.published else TrPolicy()
    policy.pause_above, policy.max_wait_s = config.pause_above, config.max_wait_s
    policy.acting_token_weight, policy.acting_half_life_s = config.acting_token_weight, config.acting_half_life_s
    if config.resume_below is not None:
        policy.resume_below = config.resume_below
    if config.tick_s is not None:
        policy.tick_s = config.tick_s
    return policy


def build_limits(config: ThunderConfig) -> Limits:
    """What bounds memory and patience whatever the policy."""
    return Limits(config.idle_ttl_s, config.max_programs, config.max_sync_s)


_CHECKS: dict[str, Check] = {
    "mode": one_of(*MODES),
    "capacity_tokens": positive_or_null,
    "pause_above": positive,
    "resume_below": positive_or_null,
    "programs_per_engine": positive,
    "routing": one_of(*ROUTINGS),
    "order": one_of(*ORDERS),
    "acting_token_weight": fraction,
    "acting_half_life_s": positive_or_null,
    "tick_s": positive_or_null,
    "max_wait_s": positive_or_null,
    "idle_ttl_s": positive_or_null,
    "max_programs": positive_or_null,
    "max_sync_s": positive_or_null,
    "engine_poll_s": positive,
    "kv_events": event_port,
    "kv_events_replay": event_port,
    "engine_failure": one_of(*ENGINE_FAILURES),
    "profile_max_bytes": positive_whole,
    "profile_keep": whole,
    "wandb": wandb_project,
    "wandb_interval_s": positive,
}
