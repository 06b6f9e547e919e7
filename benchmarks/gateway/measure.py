"""Rounds of load on all targets, one after the other, so that what the machine does besides is shared by all."""

from __future__ import annotations

import contextlib
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from benchmarks.gateway import dialect, load
from benchmarks.gateway.processes import set_pace
from benchmarks.gateway.target import Target

Item = TypeVar("Item")

CONNECTIONS, STREAMS, PACE_MS = 32, 64, 20.0
BODIES = {"small": dialect.SMALL_BYTES, "200kb": dialect.MEDIUM_BYTES, "2mb": dialect.LARGE_BYTES}
LARGE_CONNECTIONS = 8
"""With bodies of 2 MB: more of them would only measure memory."""
DIRECT = "direct"
"""The engine itself, which latencies are compared with."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is measured."""

    rounds: int = 9
    requests: dict[str, int] = field(default_factory=lambda: {"small": 3_000, "200kb": 400, "2mb": 40})
    """Of each target in each round."""
    stream_rounds: int = 3
    stream_tokens: int = 500
    latency_rounds: int = 8
    latency_requests: dict[str, int] = field(default_factory=lambda: {"small": 300, "200kb": 100, "2mb": 25})

    @classmethod
    def quick(cls) -> Amount:
        """A first look."""
        return cls(2, {"small": 2_000, "200kb": 200, "2mb": 24}, 1, 100, 2, {"small": 100, "200kb": 40, "2mb": 10})


@dataclass(frozen=True, slots=True)
class Cell:
    """What was measured of one target, round by round."""

    what: str
    target: str
    unit: str
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)


class Cells:
    """All of them, growing."""

    def __init__(self) -> None:
        self._samples: dict[tuple[str, str, str], list[float]] = defaultdict(list)

    def add(self, what: str, target: str, unit: str, sample: float) -> None:
        """One more round."""
        self._samples[what, target, unit].append(sample)

    def all(self) -> list[Cell]:
        """In the order in which they were measured first."""
        return [Cell(what, target, unit, tuple(samples)) for (what, target, unit), samples in self._samples.items()]

    def median(self, what: str, target: str) -> float | None:
        """None: not measured."""
        samples = self._of(what, target)
        return statistics.median(samples) if samples else None

    def ratio(self, what: str, target: str, other: str) -> float | None:
        """The median of the ratios of each round: what the machine did besides, it did to both. None: not measured."""
        rounds = list(zip(self._of(what, target), self._of(what, other), strict=False))
        return statistics.median(one / another for one, another in rounds if another) if rounds else None

    def _of(self, what: str, target: str) -> list[float]:
        return next((samples for key, samples in self._samples.items() if key[:2] == (what, target)), [])


async def cpu_of_bodies(cells: Cells, targets: Sequence[Target], body: str, amount: Amount) -> None:
    """CPU time per request that is not streamed, in closed loop."""
    connected = CONNECTIONS if body != "2mb" else LARGE_CONNECTIONS
    for number in range(amount.rounds):
        _progress(f"{body} body, CPU per request: round {number + 1} of {amount.rounds}")
        for target in _rotated(targets, number):
            total = amount.requests[body]
            took = await load.closed_loop(target, body_bytes=BODIES[body], connected=connected, total=total)
            cells.add(f"{body}: CPU per request", target.name, "us", took.cpu_us_per_request)
            cells.add(f"{body}: throughput", target.name, "requests/s", took.requests / took.wall_s)


async def cpu_of_streams(cells: Cells, targets: Sequence[Target], engine_url: str, amount: Amount) -> None:
    """CPU time per chunk of streams at an engine's pace."""
    set_pace(engine_url, PACE_MS)
    for number in range(amount.stream_rounds):
        _progress(f"streaming, CPU per chunk: round {number + 1} of {amount.stream_rounds}")
        for target in _rotated(targets, number):
            took = await load.streams(target, number=STREAMS, tokens=amount.stream_tokens)
            cells.add("streaming: CPU per chunk", target.name, "us", took.cpu_us_per_chunk)
    set_pace(engine_url, 0.0)


async def latency_of_bodies(cells: Cells, targets: Sequence[Target], direct: Target, body: str, amount: Amount) -> None:
    """Added latency of one request at a time, targets in turn request by request."""
    for number in range(amount.latency_rounds):
        _progress(f"{body} body, added latency: round {number + 1} of {amount.latency_rounds}")
        took_s = await _in_turn([direct, *targets], BODIES[body], amount.latency_requests[body], None)
        _add_latencies(cells, f"{body}: added latency", took_s)


async def latency_of_streams(cells: Cells, targets: Sequence[Target], direct: Target, amount: Amount) -> None:
    """Added time until the first bytes of a small stream."""
    for number in range(amount.latency_rounds):
        _progress(f"first chunk, added latency: round {number + 1} of {amount.latency_rounds}")
        took_s = await _in_turn([direct, *targets], BODIES["small"], amount.latency_requests["small"] // 3, 4)
        _add_latencies(cells, "first chunk: added latency", took_s)


async def _in_turn(
    targets: Sequence[Target], body_bytes: int, requests: int, stream_tokens: int | None
) -> dict[str, list[float]]:
    """Seconds until the answer's end, or until a stream's first bytes."""
    took_s: dict[str, list[float]] = {target.name: [] for target in targets}
    async with contextlib.AsyncExitStack() as open_until:
        asked = []
        for target in targets:
            (connection,) = await open_until.enter_async_context(load.connections(target, 1))
            verify = load.Verifier(target, body_bytes, stream_tokens)
            asked.append((target, connection, verify, load.turns(target, body_bytes, stream_tokens)))
        for number in range(requests + 2):
            for target, connection, verify, turn in _rotated(asked, number):
                answer = await connection.ask(turn(0, number))
                verify(answer)
                if number >= 2:  # the first ones find cold caches
                    took_s[target.name].append(answer.took_s if stream_tokens is None else answer.first_byte_s)
    return took_s


def _add_latencies(cells: Cells, what: str, took_s: dict[str, list[float]]) -> None:
    """Over direct, each at its own share."""
    for share in (50, 99):
        direct_s = _percentile(took_s[DIRECT], share)
        for target, seconds in took_s.items():
            over = 0.0 if target == DIRECT else direct_s
            cells.add(f"{what}, p{share}", target, "ms", 1e3 * (_percentile(seconds, share) - over))


def _percentile(values: list[float], share: int) -> float:
    return statistics.median(values) if share == 50 else statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def _rotated(items: Sequence[Item], by: int) -> list[Item]:
    """Nobody always comes first."""
    start = by % len(items) if items else 0
    return [*items[start:], *items[:start]]


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
