"""What must not grow: CPU time with programs and connections, memory with programs that nobody releases and with requests."""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from dataclasses import dataclass

from benchmarks.gateway import dialect, load
from benchmarks.gateway.connection import Answer, LoadError
from benchmarks.gateway.measure import CONNECTIONS, Cells
from benchmarks.gateway.processes import gateway, get_json, set_pace
from benchmarks.gateway.target import Target, resident_bytes
from benchmarks.report import Figure

MANY_PROGRAMS, MANY_CONNECTIONS = 10_000, 1_024
MANY_STREAMS, MANY_CHUNKS, STREAMS_PACE_MS = 512, 500, 50.0
UNRELEASED, WAVES = 20_000, 3
UNRELEASED_TTL_S, WATCHED_TTL_S = 10.0, 5.0
"""After so long a program is forgotten: in the first, all programs of a wave are tracked at once."""
TURNS = 20
"""Of each program while memory is watched: 1,000,000 requests are 50,000 programs."""
MAX_RATIO, MAX_GROWTH_MIB = 1.15, 2.0
"""What counts as flat memory: the heap breathes by about one MiB; a forgotten program costs more than 500 bytes."""
MIB = 2**20

Figures = dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Extent:
    """How long it is watched."""

    rounds: int = 7
    requests: int = 5_000
    """Per round of CPU time."""
    chunks: int = MANY_CHUNKS
    unreleased: int = UNRELEASED
    watched: int = 1_000_000
    """Requests over which memory is watched."""

    @property
    def sampled_every(self) -> int:
        """A twentieth."""
        return max(CONNECTIONS, self.watched // 20)

    @classmethod
    def quick(cls) -> Extent:
        """A first look."""
        return cls(rounds=2, requests=3_000, chunks=50, unreleased=4_000, watched=40_000)


async def population(cells: Cells, engine_url: str, extent: Extent, *options: str) -> Figures:
    """CPU time per request with many tracked programs, with many connections, and with both, against 32 of each."""
    variants = {
        "few": (CONNECTIONS, CONNECTIONS),
        f"{MANY_PROGRAMS:,} programs": (CONNECTIONS, MANY_PROGRAMS),
        f"{MANY_CONNECTIONS:,} connections": (MANY_CONNECTIONS, MANY_CONNECTIONS),
        f"{MANY_PROGRAMS:,} programs, {MANY_CONNECTIONS:,} connections": (MANY_CONNECTIONS, MANY_PROGRAMS),
    }
    what = "small: CPU per request, gateways with many"
    keep = ("--idle-ttl", "3600", *options)
    # A gateway for each: what one was asked to track stays tracked.
    with contextlib.ExitStack() as running:
        gateways = {name: running.enter_context(gateway(engine_url, *keep)) for name in variants}
        for name, target in gateways.items():
            await _ask_of_each(target, variants[name][1])
        for number in range(extent.rounds):
            _progress(f"many programs and connections: round {number + 1} of {extent.rounds}")
            for name, target in gateways.items():
                connected, tracked = variants[name]
                took = await load.closed_loop(
                    target, body_bytes=dialect.SMALL_BYTES, connected=connected, total=extent.requests, programs=tracked
                )
                cells.add(what, name, "us", took.cpu_us_per_request)
    few, *many = variants
    keys = ("programs_10000_over_32", "connections_1024_over_32", "programs_10000_connections_1024_over_32")
    ratios = {key: cells.ratio(what, name, few) for key, name in zip(keys, many, strict=True)}
    return {key: Figure(ratio, "x", at_most=MAX_RATIO) for key, ratio in ratios.items() if ratio is not None}


async def many_streams(engine_url: str, extent: Extent, *options: str) -> Figures:
    """Streams side by side, every byte counted."""
    _progress(f"{MANY_STREAMS} streams of {extent.chunks} chunks")
    set_pace(engine_url, STREAMS_PACE_MS)
    with gateway(engine_url, *options) as target:
        exact = load.Verifier(target, dialect.SMALL_BYTES, extent.chunks)
        whole_bytes = 0

        def verify(answer: Answer) -> None:
            nonlocal whole_bytes
            try:
                exact(answer)
            except LoadError as error:
                _progress(str(error))
            else:
                whole_bytes += len(answer.body)

        before = get_json(f"{engine_url}/stats")["streamed_bytes"]
        took = await load.streams(target, number=MANY_STREAMS, tokens=extent.chunks, verify=verify)
        sent_bytes = get_json(f"{engine_url}/stats")["streamed_bytes"] - before
    set_pace(engine_url, 0.0)
    return {
        "streams_512_lost_bytes": Figure(sent_bytes - whole_bytes, f"of {sent_bytes:,}", at_most=0),
        "streams_512_cpu_us_per_chunk": Figure(took.cpu_us_per_chunk, "us"),
        "streams_512_longer_than_the_engine": Figure(took.wall_s - extent.chunks * STREAMS_PACE_MS / 1e3, "s"),
    }


async def expiry(cells: Cells, engine_url: str, extent: Extent, *options: str) -> Figures:
    """Programs that nobody releases: memory after each wave of them has expired."""
    what = f"memory after {extent.unreleased:,} more programs expired"
    with gateway(engine_url, "--idle-ttl", f"{UNRELEASED_TTL_S:g}", *options) as target:
        pid = target.pid
        assert pid is not None
        peak_mib, peak, left = 0.0, 0, 0
        for wave in range(WAVES):
            _progress(f"{extent.unreleased:,} programs that nobody releases: wave {wave + 1} of {WAVES}")
            await _ask_of_each(target, extent.unreleased, first=wave * extent.unreleased)
            peak_mib, peak = max(peak_mib, resident_bytes(pid) / MIB), max(peak, tracked_programs(target))
            left = _after_expiry(target)
            cells.add(what, target.name, "MiB", resident_bytes(pid) / MIB)
    after_mib = next(cell.samples for cell in cells.all() if cell.what == what)
    return {
        "unreleased_programs_left": Figure(left, f"of {WAVES * extent.unreleased:,}", at_most=0),
        "unreleased_programs_growth_mib": Figure(after_mib[-1] - after_mib[0], "MiB", at_most=MAX_GROWTH_MIB),
        "unreleased_programs_peak": Figure(peak, "tracked at once"),
        "unreleased_programs_peak_mib": Figure(peak_mib, "MiB"),
    }


async def memory(cells: Cells, engine_url: str, extent: Extent, *options: str) -> Figures:
    """Many requests of programs that come and, unreleased, go."""
    what = "memory, one sample after another"
    with gateway(engine_url, "--idle-ttl", f"{WATCHED_TTL_S:g}", *options) as target:
        pid = target.pid
        assert pid is not None
        turn = load.turns(target, dialect.SMALL_BYTES)

        def request_of(index: int, number: int) -> bytes:
            return turn(number // (CONNECTIONS * TURNS) * CONNECTIONS + index, number)

        verify = load.Verifier(target, dialect.SMALL_BYTES)
        began_s, samples = time.monotonic(), list[float]()
        async with load.connections(target, CONNECTIONS) as through:
            for start in range(0, extent.watched, extent.sampled_every):
                numbers = range(start, min(start + extent.sampled_every, extent.watched))
                await load.drive(target, through, request_of, numbers, verify)
                samples.append(resident_bytes(pid) / MIB)
                cells.add(what, target.name, "MiB", samples[-1])
                _progress(f"memory after {numbers.stop:,} of {extent.watched:,} requests: {samples[-1]:.1f} MiB")
    quarter = max(1, len(samples) // 4)
    growth_mib = statistics.median(samples[-quarter:]) - statistics.median(samples[quarter : 2 * quarter] or samples[:1])
    return {
        "memory_growth_mib": Figure(growth_mib, f"MiB, {extent.watched:,} requests", at_most=MAX_GROWTH_MIB),
        "memory_last_mib": Figure(samples[-1], "MiB"),
        "memory_requests_per_s": Figure(extent.watched / (time.monotonic() - began_s), "requests/s"),
    }


async def _ask_of_each(target: Target, programs: int, first: int = 0) -> None:
    """One request of each of so many programs."""
    turn = load.turns(target, dialect.SMALL_BYTES)
    async with load.connections(target, CONNECTIONS) as through:
        numbers = range(first, first + programs)
        await load.drive(target, through, lambda _, number: turn(number, 0), numbers, load.Verifier(target, dialect.SMALL_BYTES))


def tracked_programs(target: Target) -> int:
    """As the gateway says."""
    return int(get_json(f"{target.url}/health")["programs_count"])


def _after_expiry(target: Target) -> int:
    """How many programs are left when none should be, or as soon as none is."""
    given_up_s = time.monotonic() + 2 * UNRELEASED_TTL_S
    while (left := tracked_programs(target)) and time.monotonic() < given_up_s:
        time.sleep(0.2)
    return left


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
