"""How much more two gateway processes serve than one, on two cores: by the CPU time that they take.

A machine of two cores cannot run two gateways, their scheduler, the engine and the load at full speed side by side, so that no
wall time tells it. CPU time does: a request takes as much of two cores as the busiest process uses, or as half of what all
processes use together (supervisor and scheduler too), whichever is more. The engine and the load are somewhere else, as they
would be. The load goes round by round to the one process that ``serve`` is by itself, and to ``serve --gateways 2``; a figure is
the median of the rounds' ratios.
"""

from __future__ import annotations

import statistics
import time

import uvloop

from benchmarks.gateway import load, processes
from benchmarks.gateway.dialect import SMALL_BYTES
from benchmarks.gateway.target import CPUCLOCK_SCHED, Target, family
from benchmarks.report import Figure

RATIO = 1.7
"""The goal."""
GATEWAYS, CORES = 2, 2
CONNECTIONS = 512
"""The kernel spreads them over the gateways by chance: with so many, one has hardly more than half."""
ROUNDS, REQUESTS = 9, 20_000


def measure(quick: bool) -> dict[str, Figure]:
    """Closed loop, small bodies, an engine that answers at once."""
    rounds, requests = (2, 4_000) if quick else (ROUNDS, REQUESTS)
    with processes.engine() as url, processes.gateway(url) as one, processes.gateway(url, "--gateways", str(GATEWAYS)) as several:
        uvloop.run(_round(one, requests // 2))
        uvloop.run(_round(several, requests // 2))
        both = [(uvloop.run(_round(one, requests)), uvloop.run(_round(several, requests))) for _ in range(rounds)]

    def median(of_one: bool, us: int) -> float:
        return statistics.median(pair[0 if of_one else 1][us] for pair in both)

    on_two_cores = statistics.median(single[2] / max(shared[0], shared[2] / CORES) for single, shared in both)
    on_many_cores = statistics.median(single[2] / shared[0] for single, shared in both)
    return {
        "two_gateways_over_one_process_on_two_cores": Figure(on_two_cores, "x", at_least=RATIO),
        "two_gateways_over_one_process_with_a_core_for_each": Figure(on_many_cores, "x"),
        "one_process_cpu_per_request": Figure(median(True, 0), "us"),
        "two_gateways_busiest_process_cpu_per_request": Figure(median(False, 0), "us"),
        "two_gateways_scheduler_cpu_per_request": Figure(median(False, 1), "us"),
        "two_gateways_all_processes_cpu_per_request": Figure(median(False, 2), "us"),
    }


async def _round(target: Target, requests: int) -> tuple[float, float, float]:
    """CPU time per request in microseconds: of the busiest process, of the one that was started first below it, of all."""
    before = _cpu_s(target)
    await load.closed_loop(target, body_bytes=SMALL_BYTES, connected=CONNECTIONS, total=requests)
    used_s = {pid: after_s - before.get(pid, 0.0) for pid, after_s in _cpu_s(target).items()}
    in_us = [1e6 * seconds / (requests + CONNECTIONS) for seconds in used_s.values()]
    return max(in_us), in_us[min(1, len(in_us) - 1)], sum(in_us)


def _cpu_s(target: Target) -> dict[int, float]:
    """Of each process, the supervisor first, then its scheduler."""
    assert target.pid is not None, "it was started here"
    return {pid: time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED) for pid in family(target.pid)}
