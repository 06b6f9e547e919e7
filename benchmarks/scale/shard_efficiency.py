"""What shards cost in efficiency: the same agents on the same full simulated engines, under one scheduler and under several."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import mean

from benchmarks.report import Figure
from thunderagent.core import Event, Scheduler, ThunderPolicy
from thunderagent.core.sharding import ShardedScheduler
from thunderagent.simulation.catalogue import RL_BATCH
from thunderagent.simulation.driver import Driver
from thunderagent.simulation.experiments import Fleet, Steady
from thunderagent.simulation.script import Script
from thunderagent.simulation.spec import EngineSpec

ENGINES, QUICK_ENGINES = 32, 16
SHARD_SIZES = (8, 4)
"""Engines of a shard. Small ones: the fewer engines a shard has, the more it costs not to see the others'."""
LOAD = 2.0
"""Contexts over KV capacity: KV is scarce, so that what is decided matters."""
SEEDS, QUICK_SEEDS = 3, 1
MEASURED_S, QUICK_S = 600.0, 60.0
WORKERS = 2


class ShardedDriver(Driver):
    """Before shards of neighbouring engines."""

    def __init__(self, shard_size: int, specs: list[EngineSpec], successors: Iterable[Script]) -> None:
        self._sharded = ShardedScheduler(
            lambda _: Scheduler(ThunderPolicy()), lambda backend_id: f"shard-{int(backend_id.partition('-')[2]) // shard_size}"
        )
        super().__init__(ThunderPolicy(), specs, successors=successors)

    def tell(self, event: Event) -> None:
        """The shard that it concerns learns of it now."""
        for effect in self._sharded.handle(event, self.agenda.now_s):
            self._carry_out(effect)


@dataclass(frozen=True, slots=True)
class ShardedFleet(Fleet):
    """In shards of so many engines."""

    shard_size: int = 1

    def driver(self, successors: Iterable[Script] = ()) -> Driver:
        """A new simulation."""
        return ShardedDriver(self.shard_size, list(self.specs), successors)


@dataclass(frozen=True, slots=True)
class Job:
    """One simulation; can be sent to another process."""

    engines: int
    shard_size: int
    """All engines: one scheduler, without shards."""
    seed: int
    seconds: float
    """Measured; the warm-up is half as long."""


@dataclass(frozen=True, slots=True)
class Result:
    """Of one simulation."""

    turns_per_hour: float
    hit_rate: float
    wait_mean_s: float
    wait_p99_s: float


def measure(quick: bool) -> dict[str, Figure]:
    """Ratios are of runs with the same seed."""
    engines, seeds, seconds = (QUICK_ENGINES, QUICK_SEEDS, QUICK_S) if quick else (ENGINES, SEEDS, MEASURED_S)
    sizes = (engines, *SHARD_SIZES)
    jobs = [Job(engines, size, seed, seconds) for size in sizes for seed in range(seeds)]
    with ProcessPoolExecutor(WORKERS) as pool:
        results = dict(zip(jobs, pool.map(run, jobs), strict=True))
    of_size = {size: [results[job] for job in jobs if job.shard_size == size] for size in sizes}
    one = of_size[engines]
    figures: dict[str, Figure] = {}
    for size, found in of_size.items():
        name = "one_scheduler" if size == engines else f"shards_of_{size}"
        figures[f"{name}_kv_hits"] = Figure(100 * mean(r.hit_rate for r in found), "% of prompt tokens")
        figures[f"{name}_wait_mean"] = Figure(mean(r.wait_mean_s for r in found), "s")
        figures[f"{name}_wait_p99"] = Figure(mean(r.wait_p99_s for r in found), "s")
        if size != engines:
            ratio = mean(r.turns_per_hour / o.turns_per_hour for r, o in zip(found, one, strict=True))
            figures[f"{name}_turns_per_hour_over_one_scheduler"] = Figure(ratio, "x")
    return figures


def run(job: Job) -> Result:
    """Simulate."""
    specs = [EngineSpec.dense_32b_on_2xh100()] * job.engines
    one = job.shard_size >= job.engines
    fleet = Fleet(ThunderPolicy, specs) if one else ShardedFleet(ThunderPolicy, specs, shard_size=job.shard_size)
    outcome = Steady(RL_BATCH, LOAD, job.seconds / 2, job.seconds).run(fleet, job.seed, lambda _: None).outcome()
    waits = [*(turn.wait_s for turn in outcome.turns), *outcome.lasting_waits_s]
    return Result(outcome.turns_per_hour, outcome.hit_rate, mean(waits), outcome.wait_s(0.99))
