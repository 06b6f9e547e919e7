"""A study: every contender on every experiment with every seed, over several processes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from thunderagent.simulation.contenders import CAP_SEED, caps
from thunderagent.simulation.experiments import Experiment, Steady
from thunderagent.simulation.faults import NO_FAULTS, Faults
from thunderagent.simulation.spec import EngineSpec
from thunderagent.study.document import Cell, Timeline
from thunderagent.study.job import Job, run

SEARCH_SHARE = 0.5
"""Of the measured time that a cap is searched with: enough to tell the best, as neighbouring caps differ little."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be simulated."""

    experiments: Sequence[Experiment]
    contenders: Sequence[str]
    engines: Sequence[EngineSpec]
    seeds: Sequence[int]
    faults: Faults = NO_FAULTS
    sample_every_s: float | None = None
    """For a timeline of the last experiment of each workload, first seed; None: no timelines."""
    profile_dir: Path | None = None
    """Gets a folder with the profiles of the steps of each simulation that is compared; None: they are not written."""

    def searches(self) -> list[Job]:
        """What is run to find the best caps."""
        if "cap" not in self.contenders:
            return []
        return [
            Job(_shorter(experiment), "cap", self.engines, CAP_SEED, self.faults, cap)
            for experiment in self.experiments
            for cap in caps(experiment.mean_context_tokens, self.engines[0])
        ]

    def jobs(self, best: Sequence[int]) -> list[Job]:
        """What is compared; ``best`` has the cap of each experiment, if there are any."""
        last = {experiment.workload: experiment for experiment in self.experiments}
        return [
            Job(
                experiment,
                contender,
                self.engines,
                seed,
                self.faults,
                best[index] if contender == "cap" else None,
                self.sample_every_s if seed == self.seeds[0] and last[experiment.workload] is experiment else None,
                self.profile_dir,
            )
            for seed in self.seeds
            for index, experiment in enumerate(self.experiments)
            for contender in self.contenders
        ]


@dataclass(frozen=True, slots=True)
class Results:
    """What came of it, in the order of the plan."""

    cells: list[Cell]
    timelines: list[Timeline]
    caps: list[int]
    """The best cap of each experiment; empty if none was searched."""


def sweep(plan: Plan, workers: int, progress: Callable[[int, int, Cell], object] = lambda done, total, cell: None) -> Results:
    """Run it. ``progress`` is told how many of how many simulations are done, and the last of them.

    Raises:
        OSError: profiles cannot be written.
    """
    searches = plan.searches()
    total = len(searches) + len(plan.seeds) * len(plan.experiments) * len(plan.contenders)
    # Ctrl-C reaches all processes of a terminal: workers end without a word, this process tells the user.
    with ProcessPoolExecutor(workers, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_DFL)) as pool:

        def run_all(jobs: Sequence[Job], before: int) -> list[tuple[Cell, Timeline | None]]:
            futures = {pool.submit(run, job): index for index, job in enumerate(jobs)}
            results: dict[int, tuple[Cell, Timeline | None]] = {}
            try:
                for future in as_completed(futures):
                    results[futures[future]] = future.result()
                    progress(before + len(results), total, results[futures[future]][0])
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            return [results[index] for index in range(len(jobs))]

        tried = [cell for cell, _ in run_all(searches, 0)]
        best = _best(plan, list(zip(searches, tried, strict=True)))
        results = run_all(plan.jobs(best), len(searches))
    cells = _compared([cell for cell, _ in results])
    return Results(cells, [timeline for _, timeline in results if timeline is not None], best)


def _shorter(experiment: Experiment) -> Experiment:
    return replace(experiment, measured_s=SEARCH_SHARE * experiment.measured_s) if isinstance(experiment, Steady) else experiment


def _best(plan: Plan, tried: Sequence[tuple[Job, Cell]]) -> list[int]:
    """Of each experiment, if caps were tried."""
    found: list[int] = []
    for experiment in plan.experiments if tried else ():
        mine = [(job, cell) for job, cell in tried if job.experiment == _shorter(experiment)]
        job, _ = max(mine, key=lambda pair: pair[1].metrics["steps_per_min"])
        assert job.cap is not None
        found.append(job.cap)
    return found


def _compared(cells: Iterable[Cell]) -> list[Cell]:
    """With what each gives relative to the engine alone and to the bound, with the same seed."""
    cells = list(cells)
    rates = {(c.workload, c.load, c.seed, c.policy): c.metrics["steps_per_min"] for c in cells}
    compared = []
    for cell in cells:
        metrics = dict(cell.metrics)
        for name, other in (("ratio", "default"), ("bound_share", "bound")):
            rate = rates.get((cell.workload, cell.load, cell.seed, other))
            if rate:
                metrics[name] = metrics["steps_per_min"] / rate
        compared.append(replace(cell, metrics=metrics))
    return compared
