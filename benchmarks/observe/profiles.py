"""What profiles cost: of the gateway's CPU at full load, and of each step."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.gateway import dialect, load, paired, processes
from benchmarks.gateway.target import Target
from benchmarks.report import Figure
from thunderagent.adapters.tracking import ProfileWriter
from thunderagent.core import DefaultPolicy, Usage
from thunderagent.runtime import EngineTiming, Runtime, StepProfile, Turn
from thunderagent.runtime.recorder import StepRecorder

REQUESTS, CONNECTIONS = 1_500, 32
"""Of a round: short ones, close together."""
STEPS, PROGRAMS = 200_000, 500
BATCHES = 5


def measure(quick: bool) -> dict[str, Figure]:
    """Both."""
    steps = STEPS // 10 if quick else STEPS
    writer_us: list[float] = []
    with tempfile.TemporaryDirectory(prefix="observe-bench-") as folder, processes.engine() as engine_url:
        each_us = min(_step_us(Path(folder) / f"steps-{batch}", steps // BATCHES) for batch in range(BATCHES))

        @contextmanager
        def pair() -> Iterator[tuple[Target, Target]]:
            profile_dir = tempfile.mkdtemp(dir=folder)
            with (
                processes.gateway(engine_url) as without,
                processes.gateway(engine_url, "--profile-dir", profile_dir) as profiled,
            ):
                yield replace(without, name="without profiles"), replace(profiled, name="with profiles")
                written = sum(path.read_bytes().count(b"\n") for path in Path(profile_dir).glob("*.jsonl"))
                writer_us.append(1e6 * _side_threads_s(profiled.pid) / written)

        measured = paired.medians(list(paired.pairs(pair, _load, quick=quick)))
    return {
        "profile_share_of_gateway_cpu": Figure(100 * (measured.ratio - 1), "%", at_most=3),
        "profile_cpu_per_request": Figure(measured.without_us * (measured.ratio - 1), "us"),
        "profile_writer_cpu_per_request": Figure(statistics.median(writer_us), "us"),
        "gateway_cpu_per_request_without": Figure(measured.without_us, "us"),
        "profile_cpu_per_step": Figure(each_us, "us", at_most=20),
    }


async def _load(target: Target) -> load.Load:
    return await load.closed_loop(target, body_bytes=dialect.SMALL_BYTES, connected=CONNECTIONS, total=REQUESTS)


def _side_threads_s(pid: int | None) -> float:
    """CPU time of all threads of a process but its main one: of the gateway's, the writer alone has work."""
    stats = [path / "schedstat" for path in Path(f"/proc/{pid}/task").iterdir() if path.name != str(pid)]
    return sum(int(stat.read_text(encoding="ascii").split()[0]) for stat in stats) / 1e9


def _step_us(folder: Path, steps: int) -> float:
    """CPU of all threads, of recording and writing so many steps, without the turns that they are of."""
    turns = asyncio.run(_turns())
    recorder, writer = StepRecorder(), ProfileWriter(folder, StepProfile)
    began_s = time.process_time()
    for number in range(steps):
        writer.put(recorder.record(turns[number % PROGRAMS], "completed", 10.0 + number / 7, 1.8e9 + number / 7))
        if number % 1_000 == 999:
            time.sleep(0.005)  # as in the gateway, the writer gets its turn: no queue of many seconds
    writer.close()
    assert not writer.dropped, "the disk is too slow to measure with"
    return 1e6 * (time.process_time() - began_s) / steps


async def _turns() -> list[Turn]:
    """One that has ended of each program."""
    runtime = Runtime(DefaultPolicy())
    turns: list[Turn] = []
    runtime.add_backend("http://127.0.0.1:8000", None)
    for number in range(PROGRAMS):
        async with runtime.turn(f"train/{number // 8}_{number % 8}", prompt_tokens=9_000, group=f"train/{number // 8}") as turn:
            turn.finish(Usage(9_000 + number, 150, 8_000 + number), EngineTiming(0.01, 0.2 / 3, 1.1 / 3), "bash")
        turns.append(turn)
    return turns
