"""What a store costs: of the gateway's CPU at full load."""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

import uvloop

from benchmarks.gateway import dialect, load, processes
from benchmarks.gateway.target import Target
from benchmarks.report import Figure

ROUNDS, REQUESTS, CONNECTIONS = 100, 1_500, 32
"""Many short rounds, close together: single ones differ by some percent, the median of so many by less than one."""
SPREAD = 1_500
"""Programs that take turns in the other case: each turn is one of another program, so that no two are written as one."""


def measure(quick: bool) -> dict[str, Figure]:
    """With a store over without, interleaved; all threads count, the writer's too."""
    rounds = 10 if quick else ROUNDS
    figures = {}
    with tempfile.TemporaryDirectory(prefix="store-bench-") as folder, processes.engine() as engine_url:
        for name, programs in (("", CONNECTIONS), ("_many_programs", SPREAD)):
            path = Path(folder) / f"store{name}.db"
            with processes.gateway(engine_url) as without, processes.gateway(engine_url, "--store", str(path)) as stored:
                targets = replace(without, name="without"), replace(stored, name="with")
                without_us, ratio = uvloop.run(_compared(*targets, rounds, programs))
            figures[f"store_share_of_gateway_cpu{name}"] = Figure(100 * (ratio - 1), "%", at_most=5)
            figures[f"store_cpu_per_request{name}"] = Figure(without_us * (ratio - 1), "us")
            figures[f"gateway_cpu_per_request_without_store{name}"] = Figure(without_us, "us")
    return figures


async def _compared(without: Target, stored: Target, rounds: int, programs: int) -> tuple[float, float]:
    """CPU per request without, in us, and the median of the rounds' ratios; each goes first in every other round."""
    plain_us: list[float] = []
    ratios: list[float] = []
    for number in range(rounds):
        took = {}
        for target in (without, stored) if number % 2 else (stored, without):
            took[target.name] = (await _load(target, programs)).cpu_us_per_request
        plain_us.append(took[without.name])
        ratios.append(took[stored.name] / took[without.name])
    return statistics.median(plain_us), statistics.median(ratios)


async def _load(target: Target, programs: int) -> load.Load:
    size_bytes = dialect.SMALL_BYTES
    return await load.closed_loop(target, body_bytes=size_bytes, connected=CONNECTIONS, total=REQUESTS, programs=programs)
