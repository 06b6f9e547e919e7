"""How long it takes until a scheduler that was started anew knows its programs again."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from pathlib import Path

from benchmarks.gateway import processes
from benchmarks.report import Figure
from thunderagent.adapters.store import SqliteStore
from thunderagent.core import ProgramRecovered, ThunderPolicy
from thunderagent.runtime import Runtime
from thunderagent.runtime.keeper import Keeper
from thunderagent.runtime.store import Changes, Kept
from thunderagent.serving import spare_the_memory_manager

PROGRAMS = (10_000, 100_000)
ENGINES = 8
GROUP = 8
"""Programs that share a first prompt, as samples of an RL group do."""
CAPACITY_TOKENS = 3_000_000_000
"""Nothing is shed: all of it is to be counted."""
TRIES = 3


def measure(quick: bool) -> dict[str, Figure]:
    """From the opening of the store to the last program; and of the whole command, from its start to the first yes of /ready."""
    figures: dict[str, Figure] = {}
    spare_the_memory_manager()  # as `thunderagent serve` does
    with tempfile.TemporaryDirectory(prefix="recovery-bench-") as folder, processes.engine() as engine:
        for number, at_most_s in zip(PROGRAMS, (1.0, 8.0), strict=True):
            programs = number // 10 if quick else number
            path = Path(folder) / f"{programs}.db"
            _fill(path, programs, [f"{engine}#{rank}" for rank in range(ENGINES)])
            took_s = min(asyncio.run(_recovered_s(path, programs)) for _ in range(TRIES))
            figures[f"recovery_of_{programs}_programs"] = Figure(took_s, "s", at_most=at_most_s)
            figures[f"store_of_{programs}_programs"] = Figure(path.stat().st_size / 1e6, "MB")
            _fill(path, programs, [engine])
            figures[f"restart_with_{programs}_programs"] = Figure(_restart_s(engine, path, programs), "s")
        figures["restart_without_store"] = Figure(_restart_s(engine, None, 0), "s")
    return figures


def _fill(path: Path, programs: int, backends: list[str]) -> None:
    """A store as a scheduler leaves it that was killed while agents were in tool calls."""
    path.unlink(missing_ok=True)
    rng = random.Random(0)
    store = SqliteStore(path)
    kept = [
        Kept(
            ProgramRecovered(
                f"train/{number // GROUP}_{number % GROUP}",
                number,
                *(f"train/{number // GROUP}", 1_800, "train", 0, "system", 900, 1_800),
                *((tokens := rng.randrange(2_000, 60_000)), tokens - 300, 4 * tokens, 0),
                backend_id=backends[number // GROUP % len(backends)],
                held=True,
                tool=rng.choice(("bash", "search", "edit")),
                acting_s=0.0,
            ),
            rng.randrange(1, 40),
            1_000.0 + rng.random(),
        )
        for number in range(programs)
    ]
    store.write(Changes(kept, statistics={"time_s": 1_001.0}))
    store.close()


async def _recovered_s(path: Path, programs: int) -> float:
    runtime = Runtime(ThunderPolicy())
    with_backends = SqliteStore(path)
    backends = {kept.program.backend_id for kept in with_backends.load().programs}
    with_backends.close()
    for backend in sorted(backend for backend in backends if backend is not None):
        runtime.add_backend(backend, CAPACITY_TOKENS)
    began_s = time.perf_counter()
    keeper = Keeper(runtime, SqliteStore(path))
    await keeper.recover(await keeper.load())
    took_s = time.perf_counter() - began_s
    assert runtime.snapshot()["resident_programs"] == programs, "all are held where they were"
    runtime.scheduler.check_invariants()
    keeper.close()
    return took_s


def _restart_s(engine: str, path: Path | None, programs: int) -> float:
    options = () if path is None else ("--store", str(path), "--capacity-tokens", str(CAPACITY_TOKENS))
    began_s = time.perf_counter()
    with processes.gateway(engine, *options) as gateway:
        took_s = time.perf_counter() - began_s
        known = json.loads(json.dumps(processes.get_json(f"{gateway.url}/live.json?programs=0")))["programs_total"]
        assert known == programs, f"{known} of {programs} programs are known after the restart"
    return took_s
