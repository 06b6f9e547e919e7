"""What an engine tells of itself in one look. Pure values; who reads them decides what they mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class EngineKind(StrEnum):
    """Which program serves."""

    VLLM = "vllm"
    SGLANG = "sglang"
    SKYRL = "skyrl"


class PriorityOrder(StrEnum):
    """How an engine orders requests by the ``priority`` in their bodies."""

    LOWER_FIRST = "lower first"
    HIGHER_FIRST = "higher first"


@dataclass(frozen=True, slots=True)
class Rank:
    """One KV cache with the queue before it: a data-parallel rank, or the whole engine where it has one rank. None: not told."""

    index: int
    capacity_tokens: int | None
    """KV that requests can fill."""
    host_tokens: int = 0
    """Second tier in host memory (SGLang's HiCache, vLLM's offloading)."""
    usage: float | None = None
    """Share of the KV cache, 0 to 1, that running requests hold; what waits for reuse in the prefix cache does not count."""
    running: int | None = None
    """Requests."""
    waiting: int | None = None
    """Requests."""
    preemptions: int | None = None
    """Since its start (vLLM: preemptions; SGLang: retractions)."""
    queried_tokens: int | None = None
    """Prompt tokens looked up in the prefix cache since its start."""
    hit_tokens: int | None = None
    """Of those, found there."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at an engine."""

    kind: EngineKind
    ranks: tuple[Rank, ...]
    """By index; at least one."""
    routes_ranks: bool = False
    """Whether a request can name its rank (header ``X-data-parallel-rank``)."""
    started_at_s: float | None = None
    """Unix time (``process_start_time_seconds``): another one than before is another process."""
    weight_version: str | None = None
    """Another one than before: the KV cache was flushed."""
    priority: PriorityOrder | None = None
    """None: it takes no priorities, or does not tell."""
    problems: tuple[str, ...] = ()
    """What it does not tell, each in words."""

    @property
    def capacity_tokens(self) -> int | None:
        """Of all ranks together; None: one of them does not tell."""
        return _sum(rank.capacity_tokens for rank in self.ranks)

    def load(self, rank: int | None) -> Rank | None:
        """Of one rank (None: there is no such rank), or of all together, as if they were one."""
        if rank is not None:
            return next((one for one in self.ranks if one.index == rank), None)
        if len(self.ranks) == 1:
            return self.ranks[0]
        used = [one.usage * (one.capacity_tokens or 0) for one in self.ranks if one.usage is not None]
        capacity_tokens = self.capacity_tokens
        return Rank(
            0,
            capacity_tokens,
            sum(one.host_tokens for one in self.ranks),
            sum(used) / capacity_tokens if capacity_tokens and len(used) == len(self.ranks) else None,
            *(
                _sum(getattr(one, name) for one in self.ranks)
                for name in ("running", "waiting", "preemptions", "queried_tokens", "hit_tokens")
            ),
        )


def _sum(parts: Iterable[int | None]) -> int | None:
    """None: one of them is not told."""
    told = list(parts)
    return sum(part or 0 for part in told) if told and None not in told else None


def same_process(before: Any, now: list[Any]) -> bool:
    """Whether an engine may have the KV cache that it had: nothing that it tells is another (``Standing.identity``)."""
    if not isinstance(before, list) or len(before) != len(now):
        return False
    (*fixed, counted), (*fixed_now, counted_now) = before, now
    if any(None not in pair and pair[0] != pair[1] for pair in zip(fixed, fixed_now, strict=True)):
        return False
    return not isinstance(counted, int | float) or counted_now is None or counted_now >= counted
