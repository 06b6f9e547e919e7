"""What is known of one engine from looking at it: up or down, what is wrong, and which backends it is. Pure: time is an argument.

- One right answer is enough for an engine that was never up. Two looks in a row without an answer lose it; then it takes two
  right ones in a row to come back.
- Wrong answers (another format, half a page) never join an engine. One that is up keeps its place and its capacity for three in a
  row; then it gets no new turns until two right ones in a row.
- Another process, weights of another version, or counters that fell: the KV cache is gone.
- With a fixed capacity, whatever answers is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from thunderagent.adapters.engines.backend_ids import backend_id
from thunderagent.adapters.engines.reading import EngineKind, Rank, Reading
from thunderagent.adapters.engines.told_capacity import ToldCapacity

FAILURES_TO_LOSE = 2
"""Looks that must fail in a row before an engine or a rank of it counts as dead: one may fall into a pause of the machine."""
ANSWERS_TO_RETURN = 2
"""Right answers in a row before a lost or doubted engine counts again: one that restarts in a loop answers now and then."""
WRONG_TO_DOUBT = 3
"""Wrong answers in a row before an engine gets no new turns: a proxy's error page may come and go."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """One engine as management sees it."""

    url: str
    up: bool
    for_s: float
    """How long it has been up, or down."""
    capacity_tokens: int | None
    """Last known, of all its ranks; None: never told."""
    problem: str | None
    """Of the last look, in words; None: all is well."""
    kind: EngineKind | None = None
    """What it is; None: not known yet."""
    doubted: bool = False
    """It answers, but wrongly for so long that it gets no new turns."""


@dataclass(frozen=True, slots=True)
class Up:
    """A backend joins, or its capacity is another one."""

    backend: str
    capacity_tokens: int | None
    host_tokens: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A backend is gone."""

    backend: str


@dataclass(frozen=True, slots=True)
class CacheLost:
    """A backend has nothing of its KV cache any more."""

    backend: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Whether a backend may get new turns."""

    backend: str
    healthy: bool


News = Up | Lost | CacheLost | Doubt


@dataclass(slots=True)
class _Backend:
    capacity: ToldCapacity
    host_tokens: int = 0
    missing: int = 0
    """Right looks in a row that did not show it."""
    joined: bool = False


@dataclass(slots=True)
class Standing:
    """Of one engine. Written by looks; what follows from each is given back."""

    url: str
    since_s: float
    fixed_capacity_tokens: int | None = None
    """Of the whole engine; it wins over what the engine says."""
    per_rank: bool = False
    """Whether each rank is a backend, where requests can name it; else the engine is one."""
    up: bool = False
    doubted: bool = False
    problem: str | None = "not looked at yet"
    reading: Reading | None = None
    """The latest right one."""
    weight_version: str | None = None
    """The latest that was told, by a look or an answer to a request."""
    _backends: dict[str, _Backend] = field(default_factory=dict)
    _was_up: bool = False
    _failures: int = 0
    _wrong: int = 0
    _answers: int = 0

    @property
    def capacity_tokens(self) -> int | None:
        """Of all its backends; None: not known."""
        if self.fixed_capacity_tokens is not None:
            return self.fixed_capacity_tokens
        told = [backend.capacity.tokens for backend in self._backends.values()]
        return sum(tokens for tokens in told if tokens is not None) if told and None not in told else None

    def answered(self, reading: Reading, now: float) -> list[News]:
        """A look was answered rightly."""
        self._failures = self._wrong = 0
        self._answers += 1
        self.problem = "; ".join(reading.problems) or None if self.fixed_capacity_tokens is None else None
        before, self.reading = self.reading, reading
        news: list[News] = self._caches_lost(before, reading) if self.up and before is not None else []
        self.weight_version = reading.weight_version or self.weight_version
        changed = self._learn(self._shares(reading), now)
        return [*news, *self._go_on(changed, now)]

    def saw_weights(self, version: str) -> list[News]:
        """A request was answered with weights of this version: they may change between two looks, or looks do not tell."""
        before, self.weight_version = self.weight_version, version
        return [CacheLost(backend) for backend in self._joined()] if _differ(before, version) else []

    def answered_wrongly(self, problem: str, now: float) -> list[News]:
        """A look was answered, but not by a right page."""
        self._failures = 0
        if self.fixed_capacity_tokens is not None:  # nothing was wanted of that page
            self.problem = None
            self._answers += 1
            return self._go_on(self._learn(self._last_shares(), now), now)
        self.problem = problem
        self._answers, self._wrong = 0, self._wrong + 1
        if not self.up or self.doubted or self._wrong < WRONG_TO_DOUBT:
            return []
        self.doubted = True
        return [Doubt(backend, healthy=False) for backend in self._joined()]

    def failed(self, problem: str, now: float) -> list[News]:
        """A look was not answered."""
        self._failures, self._answers = self._failures + 1, 0
        self.problem = problem
        if not self.up or self._failures < FAILURES_TO_LOSE:
            return []
        self.up, self.since_s = False, now
        return self.leave()

    def leave(self) -> list[News]:
        """It is gone; its capacity is remembered."""
        self.doubted, self._wrong = False, 0
        news: list[News] = [Lost(backend) for backend in self._joined()]
        for backend in self._backends.values():
            backend.joined = False
        return news

    def identity(self, rank: int | None) -> list[Any]:
        """When its process began, its weights, and a counter that only grows, as far as they are told."""
        reading = self.reading
        load = None if reading is None else reading.load(rank)
        return [
            None if reading is None else reading.started_at_s,
            self.weight_version,
            None if load is None else load.queried_tokens,
        ]

    def status(self, kind: EngineKind | None, now: float) -> EngineStatus:
        """For management."""
        return EngineStatus(self.url, self.up, now - self.since_s, self.capacity_tokens, self.problem, kind, self.doubted)

    # Backends

    def _go_on(self, changed: list[str], now: float) -> list[News]:
        """After an answer that counts as right."""
        if not self.up:
            if self._was_up and self._answers < ANSWERS_TO_RETURN:
                return []
            self.up = self._was_up = True
            self.since_s = now
        news: list[News] = []
        for name in [name for name, backend in self._backends.items() if backend.missing >= FAILURES_TO_LOSE]:
            if self._backends.pop(name).joined:
                news.append(Lost(name))
        for name, backend in self._backends.items():
            if self._may_join(name, backend) or (backend.joined and name in changed):
                backend.joined = True
                news.append(Up(name, backend.capacity.tokens, backend.host_tokens))
        if self.doubted and self._answers >= ANSWERS_TO_RETURN:
            self.doubted = False
            news += [Doubt(name, healthy=True) for name in self._joined()]
        return news

    def _may_join(self, name: str, backend: _Backend) -> bool:
        """A rank joins once the whole engine has gone, and the other way round: nothing is counted twice."""
        other_shape = any(b.joined and (n == self.url) != (name == self.url) for n, b in self._backends.items())
        return not backend.joined and not backend.missing and not other_shape

    def _joined(self) -> list[str]:
        return [name for name, backend in self._backends.items() if backend.joined]

    def _shares(self, reading: Reading) -> dict[str, tuple[int | None, int]]:
        """Capacity and host tokens by backend."""
        ranks, fixed = reading.ranks, self.fixed_capacity_tokens
        was_ranked = any(backend.joined and name != self.url for name, backend in self._backends.items())
        if self.per_rank and ((reading.routes_ranks and len(ranks) > 1) or was_ranked):
            return {
                backend_id(self.url, rank.index): (
                    rank.capacity_tokens if fixed is None else fixed // len(ranks),
                    rank.host_tokens,
                )
                for rank in ranks
            }
        capacity = reading.capacity_tokens if fixed is None else fixed
        return {self.url: (capacity, sum(rank.host_tokens for rank in ranks))}

    def _last_shares(self) -> dict[str, tuple[int | None, int]]:
        known = {name: (backend.capacity.tokens, backend.host_tokens) for name, backend in self._backends.items()}
        return known or {self.url: (self.fixed_capacity_tokens, 0)}

    def _learn(self, shares: Mapping[str, tuple[int | None, int]], now: float) -> list[str]:
        """Backends of which something else is believed since."""
        changed = []
        for backend in self._backends.values():
            backend.missing += 1
        for name, (capacity_tokens, host_tokens) in shares.items():
            backend = self._backends.setdefault(name, _Backend(ToldCapacity(now)))
            backend.missing = 0
            if backend.capacity.learn(capacity_tokens, now) | (backend.host_tokens != host_tokens):
                backend.host_tokens = host_tokens
                changed.append(name)
        return changed

    def _caches_lost(self, before: Reading, after: Reading) -> list[News]:
        whole = _differ(before.started_at_s, after.started_at_s) or _differ(self.weight_version, after.weight_version)
        old = {rank.index: rank for rank in before.ranks}
        fell = {rank.index for rank in after.ranks if rank.index in old and (whole or _fell(old[rank.index], rank))}
        return [CacheLost(name) for name in self._joined() if any(self._holds(name, index) for index in fell)]

    def _holds(self, name: str, index: int) -> bool:
        return name in (self.url, backend_id(self.url, index))


def _differ(before: object, after: object) -> bool:
    """Whether both are told, and not the same."""
    return before is not None and after is not None and before != after


def _fell(before: Rank, after: Rank) -> bool:
    """Whether a counter is less than it was: it began anew."""
    pairs = (
        (before.preemptions, after.preemptions),
        (before.queried_tokens, after.queried_tokens),
        (before.hit_tokens, after.hit_tokens),
    )
    return any(old is not None and new is not None and new < old for old, new in pairs)
