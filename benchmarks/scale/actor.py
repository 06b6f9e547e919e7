"""What asking a scheduler that is a Ray actor adds to a turn: found by its name, and asked over its socket."""

from __future__ import annotations

import statistics
import time
from typing import Any

import uvloop

from benchmarks.gateway import processes
from benchmarks.report import Figure
from benchmarks.scale.call import compare

ADDED_MS = 1.5
"""The goal, on one machine."""
TURNS = 5_000
NAME = "benchmark"


def measure(quick: bool) -> dict[str, Figure]:
    """Until a turn is admitted, one at a time, by the actor and in this process in turn."""
    import ray

    from thunderagent.adapters.gateway.settings import GatewaySettings
    from thunderagent.adapters.ray.cluster import local_options
    from thunderagent.adapters.ray.dialling import dial_actor
    from thunderagent.adapters.ray.finding import NAMESPACE
    from thunderagent.adapters.ray.scheduler import SchedulerSetup, start_scheduler
    from thunderagent.config import ThunderConfig

    with processes.engine() as engine_url:
        ray.init(**local_options())
        try:
            setup = SchedulerSetup(ThunderConfig(), GatewaySettings(), (engine_url,), loopback=True)
            actor = start_scheduler(NAME, setup, num_cpus=0)
            ray.get(actor.ready.remote())
            bare = uvloop.run(_bare_calls(actor, 200))
            local, remote = uvloop.run(compare(dial_actor(NAME, NAMESPACE), TURNS // 10 if quick else TURNS))
        finally:
            ray.shutdown()  # the cluster is ours, and the actor goes with it
    added = [1e3 * (there_s - here_s) for here_s, there_s in zip(local, remote, strict=True)]
    return {
        "ray_actor_call_added_p50": Figure(statistics.median(added), "ms", at_most=ADDED_MS),
        "ray_actor_call_added_p99": Figure(statistics.quantiles(added, n=100)[98], "ms"),
        "bare_call_of_a_ray_actor_p50": Figure(1e3 * statistics.median(bare), "ms"),
    }


async def _bare_calls(actor: Any, calls: int) -> list[float]:
    """Seconds of each: what is Ray's own."""
    took_s = []
    for _ in range(calls):
        began_s = time.perf_counter()
        await actor.pid.remote()
        took_s.append(time.perf_counter() - began_s)
    return took_s
