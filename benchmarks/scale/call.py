"""What asking a scheduler in another process adds to a turn."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Protocol

import uvloop

from benchmarks.gateway import processes
from benchmarks.report import Figure
from thunderagent.adapters.link.address import Address
from thunderagent.adapters.link.runtime import RemoteRuntime
from thunderagent.adapters.link.sockets import dialler
from thunderagent.adapters.link.transport import Dial
from thunderagent.core import ThunderPolicy, Usage
from thunderagent.runtime import Runtime, Turn

ADDED_MS = 0.3
"""The goal, over a Unix socket."""
TURNS, PROGRAMS = 20_000, 64


class Turns(Protocol):
    """Either runtime."""

    def turn(self, program_id: str, *, prompt_tokens: int) -> Turn: ...


def measure(quick: bool) -> dict[str, Figure]:
    """Until a turn is admitted, one at a time, here and there in turn."""
    turns = TURNS // 10 if quick else TURNS
    with tempfile.TemporaryDirectory(prefix="call-bench-") as folder, processes.engine() as engine_url:
        address = Address(path=Path(folder) / "link")
        with processes.gateway(engine_url, "--listen", str(address)):
            local, remote = uvloop.run(compare(dialler(address), turns))
    added = [1e3 * (there_s - here_s) for here_s, there_s in zip(local, remote, strict=True)]
    return {
        "socket_call_added_p50": Figure(statistics.median(added), "ms", at_most=ADDED_MS),
        "socket_call_added_p99": Figure(statistics.quantiles(added, n=100)[98], "ms"),
        "scheduler_in_the_same_process_p50": Figure(1e3 * statistics.median(local), "ms"),
    }


async def compare(dial: Dial, turns: int) -> tuple[list[float], list[float]]:
    """Seconds until each turn is admitted: by a runtime here, and by the scheduler there."""
    remote = RemoteRuntime(dial)
    looking = asyncio.create_task(remote.run())
    while not remote.backends:  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.01)
    local = Runtime(ThunderPolicy())
    for backend in remote.backends:
        local.add_backend(backend.id, None)
    runtimes: tuple[Turns, Turns] = local, remote
    took_s: tuple[list[float], list[float]] = [], []
    for number in range(turns + PROGRAMS):
        for runtime, seconds in zip(runtimes, took_s, strict=True):
            seconds.append(await _turn(runtime, f"program-{number % PROGRAMS}"))
    looking.cancel()
    return took_s[0][PROGRAMS:], took_s[1][PROGRAMS:]


async def _turn(runtime: Turns, program_id: str) -> float:
    began_s = time.perf_counter()
    async with runtime.turn(program_id, prompt_tokens=1_000) as turn:
        admitted_s = time.perf_counter()
        turn.finish(Usage(1_000, 10, 900))
    return admitted_s - began_s
