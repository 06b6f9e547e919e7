"""What W&B is told, as tables: every metric with its key, unit and meaning, and the axis over which it is drawn.

Scheduling is drawn over wall time, training over its step: a step of training takes minutes, and the scheduler decides meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

WALL_TIME = "thunder/wall_s"
"""Seconds since the first sample: the axis of scheduling."""
TRAINING_PREFIXES = {"skyrl": "thunder/train/", "slime": "rollout/thunder/"}
"""Of the metrics of a training step, by who logs them: slime gives other prefixes no axis of steps."""
EVALUATION_PREFIXES = {"skyrl": "thunder/eval/", "slime": "eval/thunder/"}


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a sample."""

    section: str
    name: str
    unit: str
    meaning: str

    @property
    def key(self) -> str:
        """Under which it is logged."""
        return f"thunder/{self.section}/{self.name}"


def _section(section: str, *rows: tuple[str, str, str]) -> tuple[Metric, ...]:
    return tuple(Metric(section, *row) for row in rows)


SCHEDULING = (
    *_section(
        "throughput",
        ("steps_per_min", "steps/min", "turns that ended well"),
        ("failed_steps_per_min", "steps/min", "turns that ended otherwise"),
        ("prefill_tokens_per_s", "tokens/s", "prompt tokens that were not in the cache"),
        ("cached_tokens_per_s", "tokens/s", "prompt tokens that were"),
        ("decode_tokens_per_s", "tokens/s", "tokens of answers"),
        ("reprefilled_tokens_per_s", "tokens/s", "prompt tokens computed again although the program's last turn had cached them"),
        ("running_requests_mean", "requests", "in an engine, as it tells; mean over engines"),
        ("running_requests_max", "requests", "in the fullest engine"),
        ("queued_requests_mean", "requests", "in an engine's own queue; mean over engines"),
        ("queued_requests_max", "requests", "in the longest of these queues"),
    ),
    *_section(
        "kv_cache",
        ("committed_mean", "share", "KV cache promised to programs; mean over engines"),
        ("committed_max", "share", "of the fullest engine"),
        ("used_mean", "share", "KV cache held by running requests, as engines tell; mean over engines"),
        ("used_max", "share", "of the fullest engine"),
        ("hit_rate", "share", "of prompt tokens found in the cache, over the turns that ended"),
        ("engine_hit_rate_mean", "share", "of prompt tokens found in the cache, as engines tell; mean over engines"),
        ("engine_hit_rate_min", "share", "of the engine where it is lowest"),
        ("preemptions_per_min_mean", "1/min", "requests that an engine pushed out for want of KV cache; mean over engines"),
        ("preemptions_per_min_max", "1/min", "of the engine that does it most"),
        ("committed_tokens", "tokens", "promised to programs, all engines together"),
        ("capacity_tokens", "tokens", "of all engines together"),
    ),
    *_section(
        "waiting",
        ("turns", "turns", "held back now"),
        ("wait_mean_s", "s", "for which the turns that ended had been held back"),
        ("wait_p95_s", "s", "the same: 19 of 20 waited less"),
        ("wait_max_s", "s", "the same: the longest"),
        ("share", "share", "of the programs' time (held back, in engines, in tool calls) that was waiting"),
        ("pauses_per_min", "1/min", "programs that gave up their KV cache"),
        ("forced_per_min", "1/min", "programs let in because they had waited too long"),
        ("refused_per_min", "1/min", "turns refused"),
    ),
    *_section(
        "tools",
        ("call_mean_s", "s", "between two turns of a program"),
        ("share", "share", "of the programs' time that was spent there"),
        ("sandboxes", "sandboxes", "that exist"),
        ("ready", "sandboxes", "prepared for programs that wait for their turn"),
        ("idle", "sandboxes", "kept for whoever comes next"),
        ("preparing", "sandboxes", "being made"),
        ("waiting_programs", "programs", "waiting for a sandbox"),
        ("waited_s", "s", "for sandboxes since the start, all programs together"),
        ("overlapped_share", "share", "of preparation that was hidden behind waiting, since the start"),
        ("disk_bytes", "bytes", "written by sandboxes"),
    ),
    *_section(
        "programs",
        ("known", "programs", "tracked now"),
        ("reasoning", "programs", "with a turn in an engine"),
        ("acting", "programs", "in a tool call, their KV cache held"),
        ("without_kv", "programs", "without KV cache: held back, or paused between two turns"),
        ("released_per_min", "1/min", "programs that their clients ended"),
        ("expired_per_min", "1/min", "programs forgotten because nothing came from them"),
    ),
    *_section(
        "scheduler",
        ("engines", "engines", "there, each data-parallel rank that can be named counted as one"),
        ("cpu_share", "share", "of one CPU that scheduling takes"),
        ("degraded", "0 or 1", "1 once the scheduler has failed: turns pass through unscheduled"),
    ),
)  # fmt: skip
"""Of each sample, all of them every time. Rates and means are over the time since the sample before; NaN: no engine tells."""

TRAINING = (
    ("turns", "turns", "that ended"),
    ("failed_turns", "turns", "of these, not well"),
    ("prompt_tokens", "tokens", "of the turns that ended well"),
    ("completion_tokens", "tokens", "of their answers"),
    ("reprefilled_tokens", "tokens", "computed again although the program's last turn had left them in the cache"),
    ("kv_hit_rate", "share", "of prompt tokens found in the cache"),
    ("worst_backend_kv_hit_rate", "share", "of the engine where it is lowest"),
    ("paused_share", "share", "of the programs' time that was waiting"),
    ("paused_turns_share", "share", "of turns that were held back"),
    ("pause_mean_s", "s", "for which a turn was held back"),
    ("pause_max_s", "s", "the longest"),
    ("engine_mean_s", "s", "of a turn in its engine"),
    ("tool_call_mean_s", "s", "between two turns of a program"),
)
"""Name, unit and meaning of what a training step is told of its own turns (``StepWindow``); evaluations are told the same."""

SECTIONS = tuple(dict.fromkeys(metric.section for metric in SCHEDULING))
SCHEDULING_KEYS = tuple(metric.key for metric in SCHEDULING)
TABLES = ("thunder/steps/latest", "thunder/steps/longest_waits")
"""Step profiles: those that ended last, and those that were held back longest."""


def define_axes(run: object) -> None:
    """Tell W&B that scheduling is drawn over wall time, by section: ``thunder/train/*`` keeps its own axis.

    ``run``: a run of W&B, or its module; anything else is left as it is.
    """
    define = getattr(run, "define_metric", None)
    if define is not None:
        define(WALL_TIME, hidden=True)
        for section in SECTIONS:
            define(f"thunder/{section}/*", step_metric=WALL_TIME)
