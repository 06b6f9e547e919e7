"""One sample of a scheduler: all numbers of ``axes.SCHEDULING``, over the time since the sample before."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from thunderagent.adapters.tracking.axes import SCHEDULING, WALL_TIME
from thunderagent.runtime import Runtime, StepProfile, Totals

MAX_WAITS = 100_000
"""Waits remembered between two samples, for the percentile: a busy gateway has some thousand turns in ten seconds."""
SHORTEST_S = 1e-3
"""Two samples in the same moment must not divide by zero."""
NOT_TOLD = math.nan
"""A gauge of engines that no engine tells. W&B leaves a gap; a zero would be a lie."""
TOOL_GAUGES = ("sandboxes", "ready", "idle", "preparing", "waiting_programs", "waited_s", "overlapped_share", "disk_bytes")


class Load(Protocol):
    """What an engine told of itself last; None: it does not tell. Totals are since its start."""

    @property
    def usage(self) -> float | None: ...
    @property
    def running(self) -> int | None: ...
    @property
    def waiting(self) -> int | None: ...
    @property
    def preemptions(self) -> int | None: ...
    @property
    def queried_tokens(self) -> int | None: ...
    @property
    def hit_tokens(self) -> int | None: ...


class Sampler:
    """Fed with every step as it ends; on the loop of the scheduler. O(1) per step, O(backends) per sample."""

    def __init__(
        self,
        runtime: Runtime,
        load_of: Callable[[str], Load | None],
        tools: Callable[[], Mapping[str, float]] = dict,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``load_of``: of a backend, by its id; ``tools``: ``ToolHost.snapshot``; ``clock``: seconds that only grow."""
        self._runtime, self._load_of, self._tools, self._clock = runtime, load_of, tools, clock
        self._totals = Totals()
        self._waits_s: list[float] = []
        self._began_s: float | None = None
        self._last_s = clock()
        self._counts = self._counters()
        self._told: dict[str, Load] = {}

    def took_step(self, step: StepProfile) -> None:
        """One finished step."""
        self._totals.add(step)
        if len(self._waits_s) < MAX_WAITS:
            self._waits_s.append(step.pause_s)

    def sample(self) -> dict[str, float]:
        """By key, with ``WALL_TIME``. Always the same keys."""
        now = self._clock()
        if self._began_s is None:
            self._began_s = now
        elapsed_s, self._last_s = max(SHORTEST_S, now - self._last_s), now
        numbers = {
            **self._of_steps(elapsed_s),
            **self._of_engines(elapsed_s),
            **self._of_scheduler(elapsed_s),
            **self._of_tools(),
        }
        return {
            WALL_TIME: now - self._began_s,
            **{metric.key: float(numbers[metric.section, metric.name]) for metric in SCHEDULING},
        }

    def _of_steps(self, elapsed_s: float) -> dict[tuple[str, str], float]:
        totals, self._totals = self._totals, Totals()
        waits_s, self._waits_s = self._waits_s, []
        engine_s = totals.queue_s + totals.prefill_s + totals.decode_s
        program_s = totals.paused_s + engine_s + totals.tool_call_s
        turns = totals.steps + totals.failed_steps
        return {
            ("throughput", "steps_per_min"): 60 * totals.steps / elapsed_s,
            ("throughput", "failed_steps_per_min"): 60 * totals.failed_steps / elapsed_s,
            ("throughput", "prefill_tokens_per_s"): (totals.prompt_tokens - totals.cached_tokens) / elapsed_s,
            ("throughput", "cached_tokens_per_s"): totals.cached_tokens / elapsed_s,
            ("throughput", "decode_tokens_per_s"): totals.completion_tokens / elapsed_s,
            ("throughput", "reprefilled_tokens_per_s"): totals.reprefilled_tokens / elapsed_s,
            ("kv_cache", "hit_rate"): totals.kv_hit_rate if totals.prompt_tokens else NOT_TOLD,
            ("waiting", "wait_mean_s"): totals.paused_s / turns if turns else 0.0,
            ("waiting", "wait_p95_s"): _p95(waits_s),
            ("waiting", "wait_max_s"): max(waits_s, default=0.0),
            ("waiting", "share"): totals.paused_s / program_s if program_s else 0.0,
            ("tools", "call_mean_s"): totals.tool_call_s / turns if turns else 0.0,
            ("tools", "share"): totals.tool_call_s / program_s if program_s else 0.0,
        }

    def _of_engines(self, elapsed_s: float) -> dict[tuple[str, str], float]:
        backends = self._runtime.scheduler.ledger.backends
        told = {name: load for name in backends if (load := self._load_of(name)) is not None}
        before, self._told = self._told, told
        pairs = [(before[name], load) for name, load in told.items() if name in before]
        committed = [backend.shared_tokens + backend.private_tokens for backend in backends.values()]
        sizes = [backend.capacity_tokens for backend in backends.values()]
        return {
            **_spread("kv_cache", "committed", (part / size for part, size in zip(committed, sizes, strict=True) if size)),
            **_spread("kv_cache", "used", (load.usage for load in told.values())),
            **_spread("kv_cache", "engine_hit_rate", (_hit_rate(*pair) for pair in pairs), worst=min),
            **_spread("kv_cache", "preemptions_per_min", (_per_min(*pair, elapsed_s) for pair in pairs)),
            **_spread("throughput", "running_requests", (load.running for load in told.values())),
            **_spread("throughput", "queued_requests", (load.waiting for load in told.values())),
            ("kv_cache", "committed_tokens"): sum(committed),
            ("kv_cache", "capacity_tokens"): sum(size or 0 for size in sizes),
            ("scheduler", "engines"): len(backends),
        }

    def _of_scheduler(self, elapsed_s: float) -> dict[tuple[str, str], float]:
        runtime = self._runtime
        scheduler, backends = runtime.scheduler, runtime.scheduler.ledger.backends.values()
        resident, acting = sum(backend.resident for backend in backends), sum(len(backend.acting) for backend in backends)
        before, self._counts = self._counts, self._counters()
        grown = {name: value - before[name] for name, value in self._counts.items()}
        return {
            ("waiting", "turns"): scheduler.waiting_turns,
            ("waiting", "pauses_per_min"): 60 * grown["pauses"] / elapsed_s,
            ("waiting", "forced_per_min"): 60 * grown["forced"] / elapsed_s,
            ("waiting", "refused_per_min"): 60 * grown["refused"] / elapsed_s,
            ("programs", "known"): len(scheduler.programs),
            ("programs", "reasoning"): resident - acting,
            ("programs", "acting"): acting,
            ("programs", "without_kv"): len(scheduler.programs) - resident,
            ("programs", "released_per_min"): 60 * grown["released"] / elapsed_s,
            ("programs", "expired_per_min"): 60 * grown["expired"] / elapsed_s,
            ("scheduler", "cpu_share"): grown["cpu_s"] / elapsed_s,
            ("scheduler", "degraded"): runtime.degraded,
        }

    def _of_tools(self) -> dict[tuple[str, str], float]:
        told = self._tools()
        return {("tools", name): told.get(name, 0.0) for name in TOOL_GAUGES}

    def _counters(self) -> dict[str, float]:
        counters = self._runtime.scheduler.counters
        names = ("pauses", "forced", "refused", "released", "expired")
        return {"cpu_s": self._runtime.cpu_s, **{name: getattr(counters, name) for name in names}}


def _spread(
    section: str, name: str, values: Iterable[float | None], worst: Callable[[Iterable[float]], float] = max
) -> dict[tuple[str, str], float]:
    """The fleet's mean beside its worst engine, over those that tell."""
    told = [value for value in values if value is not None]
    mean, bad = (statistics.fmean(told), worst(told)) if told else (NOT_TOLD, NOT_TOLD)
    return {(section, f"{name}_mean"): mean, (section, f"{name}_{worst.__name__}"): bad}


def _hit_rate(before: Load, now: Load) -> float | None:
    """Of the tokens looked up between two looks; None: it does not tell, nothing was looked up, or it began anew."""
    if before.queried_tokens is None or now.queried_tokens is None or before.hit_tokens is None or now.hit_tokens is None:
        return None
    queried, hit = now.queried_tokens - before.queried_tokens, now.hit_tokens - before.hit_tokens
    return hit / queried if queried > 0 and hit >= 0 else None


def _per_min(before: Load, now: Load, elapsed_s: float) -> float | None:
    if before.preemptions is None or now.preemptions is None:
        return None
    return 60 * max(0, now.preemptions - before.preemptions) / elapsed_s


def _p95(waits_s: list[float]) -> float:
    """By nearest rank."""
    return sorted(waits_s)[math.ceil(0.95 * len(waits_s)) - 1] if waits_s else 0.0
