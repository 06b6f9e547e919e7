"""What the dashboard shows: sections of charts over the metrics of ``axes``. Pure; ``workspace`` makes W&B's objects of it."""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.adapters.tracking.axes import EVALUATION_PREFIXES, TRAINING_PREFIXES

SHARE = (0.0, 1.0)
FROM_ZERO = (0.0, None)


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines of one unit."""

    title: str
    unit: str
    keys: tuple[str, ...]
    range_y: tuple[float, float | None] = FROM_ZERO
    stacked: bool = False
    """For parts of a whole."""
    over_step: bool = False
    """Over the training step; else over wall time."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what to look for below it, and its charts, two in a row."""

    name: str
    look_for: str
    charts: tuple[Chart, ...]
    tables: tuple[tuple[str, str], ...] = ()
    """Keys and titles."""


def _scheduling(title: str, unit: str, section: str, *names: str, share: bool = False, stacked: bool = False) -> Chart:
    keys = tuple(f"thunder/{section}/{name}" for name in names)
    return Chart(title, unit, keys, SHARE if share else FROM_ZERO, stacked)


def _training(title: str, unit: str, *names: str, share: bool = False, prefixes: dict[str, str] = TRAINING_PREFIXES) -> Chart:
    """Whoever logs it: a run has the keys of one framework only."""
    keys = tuple(prefix + name for prefix in prefixes.values() for name in names)
    return Chart(title, unit, keys, SHARE if share else FROM_ZERO, over_step=True)


SECTIONS = (
    Section(
        "Throughput",
        "Tokens that are computed again are work for nothing: with scheduling they stay near zero. Queues inside engines stay "
        "short, because turns wait before them.",
        (
            _scheduling("Turns that ended", "turns per minute", "throughput", "steps_per_min", "failed_steps_per_min"),
            _scheduling(
                "Prompt tokens, computed and cached",
                "tokens/s",
                "throughput",
                "prefill_tokens_per_s",
                "cached_tokens_per_s",
                stacked=True,
            ),
            _scheduling("Answer tokens", "tokens/s", "throughput", "decode_tokens_per_s"),
            _scheduling("Prompt tokens computed again", "tokens/s", "throughput", "reprefilled_tokens_per_s"),
            _scheduling(
                "Running in an engine: mean and fullest",
                "requests",
                "throughput",
                "running_requests_mean",
                "running_requests_max",
            ),
            _scheduling(
                "Queued in an engine: mean and longest", "requests", "throughput", "queued_requests_mean", "queued_requests_max"
            ),
        ),
    ),
    Section(
        "KV cache",
        "Committed is what programs were promised, used is what engines say that running requests hold. The fullest engine "
        "beside the mean tells whether the load is even; preemptions mean that an engine ran out.",
        (
            _scheduling(
                "KV cache committed: mean and fullest engine", "share of capacity", "kv_cache", "committed_mean", "committed_max"
            ),
            _scheduling(
                "KV cache used: mean and fullest engine", "share of capacity", "kv_cache", "used_mean", "used_max", share=True
            ),
            _scheduling("Hit rate of the turns that ended", "share of prompt tokens", "kv_cache", "hit_rate", share=True),
            _scheduling(
                "Hit rate of engines: mean and lowest",
                "share of prompt tokens",
                "kv_cache",
                "engine_hit_rate_mean",
                "engine_hit_rate_min",
                share=True,
            ),
            _scheduling(
                "Preemptions: mean and worst engine",
                "per minute",
                "kv_cache",
                "preemptions_per_min_mean",
                "preemptions_per_min_max",
            ),
            _scheduling("Tokens committed, and capacity", "tokens", "kv_cache", "committed_tokens", "capacity_tokens"),
        ),
    ),
    Section(
        "Waiting",
        "Waiting is what keeps caches alive; it is too much where it takes a larger share of the programs' time while throughput "
        "does not grow. Programs let in by force have waited for `max_wait_s`.",
        (
            _scheduling("Turns held back now", "turns", "waiting", "turns"),
            _scheduling("Waits of the turns that ended", "seconds", "waiting", "wait_mean_s", "wait_p95_s", "wait_max_s"),
            _scheduling("Waiting, of the programs' time", "share of time", "waiting", "share", share=True),
            _scheduling(
                "Gave up KV cache, let in by force, refused",
                "per minute",
                "waiting",
                "pauses_per_min",
                "forced_per_min",
                "refused_per_min",
            ),
        ),
        (("thunder/steps/longest_waits", "Steps that were held back longest"),),
    ),
    Section(
        "Tools",
        "Long tool calls are when KV cache is lent to others. Sandboxes that are made while their programs wait cost no time.",
        (
            _scheduling("Tool call, mean", "seconds", "tools", "call_mean_s"),
            _scheduling("Tool calls, of the programs' time", "share of time", "tools", "share", share=True),
            _scheduling(
                "Sandboxes: all, ready, idle, being made", "sandboxes", "tools", "sandboxes", "ready", "idle", "preparing"
            ),
            _scheduling("Programs that wait for a sandbox", "programs", "tools", "waiting_programs"),
            _scheduling("Preparation hidden behind waiting", "share of preparation", "tools", "overlapped_share", share=True),
            _scheduling("Written by sandboxes", "bytes", "tools", "disk_bytes"),
        ),
    ),
    Section(
        "Programs",
        "What all programs are doing: in an engine, in a tool call with their KV cache held, or without any.",
        (
            _scheduling("Programs by what they do", "programs", "programs", "reasoning", "acting", "without_kv", stacked=True),
            _scheduling("Programs released and expired", "per minute", "programs", "released_per_min", "expired_per_min"),
            _scheduling("Engines", "engines", "scheduler", "engines"),
            _scheduling("Scheduling, of one CPU", "share of time", "scheduler", "cpu_share"),
        ),
        (("thunder/steps/latest", "Steps that ended last"),),
    ),
    Section(
        "Training",
        "Each step's own turns, over the training step, those of evaluations apart. Runs of SkyRL and of slime are drawn in the "
        "same charts.",
        (
            _training(
                "Hit rate of a step: all, and the worst engine",
                "share of prompt tokens",
                "kv_hit_rate",
                "worst_backend_kv_hit_rate",
                share=True,
            ),
            _training("Waiting, of the programs' time", "share of time", "paused_share", share=True),
            _training("Turns of a step", "turns", "turns", "failed_turns"),
            _training("Prompt tokens computed again", "tokens", "reprefilled_tokens"),
            _training(
                "A turn's time: held back, in its engine, in a tool call",
                "seconds",
                "pause_mean_s",
                "engine_mean_s",
                "tool_call_mean_s",
            ),
            _training("Longest wait of a step", "seconds", "pause_max_s"),
            _training("Evaluation: hit rate", "share of prompt tokens", "kv_hit_rate", share=True, prefixes=EVALUATION_PREFIXES),
            _training(
                "Evaluation: waiting, of the programs' time",
                "share of time",
                "paused_share",
                share=True,
                prefixes=EVALUATION_PREFIXES,
            ),
        ),
    ),
)
"""In the order in which they are read."""
