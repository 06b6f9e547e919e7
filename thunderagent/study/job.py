"""One simulation of a study: what is to be run, and its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from thunderagent.simulation.contenders import CONTENDERS, Contender, with_cap
from thunderagent.simulation.driver import Driver
from thunderagent.simulation.experiments import Experiment, Fleet
from thunderagent.simulation.faults import NO_FAULTS, Faults
from thunderagent.simulation.outcome import Outcome
from thunderagent.simulation.sampler import Sampler
from thunderagent.simulation.spec import EngineSpec
from thunderagent.study.document import Cell, Timeline
from thunderagent.study.timeline import timeline


@dataclass(frozen=True, slots=True)
class Job:
    """Can be sent to another process."""

    experiment: Experiment
    contender: str
    """One of ``CONTENDERS``."""
    engines: Sequence[EngineSpec]
    seed: int
    faults: Faults = NO_FAULTS
    cap: int | None = None
    """Programs per engine, for ``cap``."""
    sample_every_s: float | None = None
    """How often it is looked at for a timeline; None: there is none."""
    profile_dir: Path | None = None
    """Gets a folder with the profiles of its steps; None: they are not written."""

    @property
    def name(self) -> str:
        """Of that folder."""
        load = f"-load{self.experiment.load:g}" if self.experiment.load else ""
        return f"{self.experiment.workload}-{self.contender}{load}-seed{self.seed}"


def run(job: Job) -> tuple[Cell, Timeline | None]:
    """Simulate.

    Raises:
        OSError: its profiles cannot be written.
    """
    contender = with_cap(job.cap) if job.cap is not None else CONTENDERS[job.contender]
    specs = [contender.engine(spec) for spec in job.engines]
    samplers: list[Sampler] = []

    def watch(driver: Driver) -> None:
        if job.sample_every_s is not None:
            samplers.append(Sampler(driver, job.sample_every_s))

    driver = job.experiment.run(Fleet(contender.policy, specs, job.faults), job.seed, watch)
    outcome = driver.outcome()
    if job.profile_dir is not None:
        from thunderagent.study.profiles import write_steps  # needs orjson

        write_steps(job.profile_dir / job.name, driver, outcome.since_s)
    cell = Cell(
        job.experiment.workload,
        job.contender,
        job.experiment.load,
        job.experiment.programs(specs),
        job.seed,
        _metrics(outcome, job.experiment, contender),
    )
    return cell, timeline(cell, samplers[0], outcome) if samplers else None


def _metrics(outcome: Outcome, experiment: Experiment, contender: Contender) -> dict[str, float]:
    progress = outcome.progress_per_min()
    metrics = {
        "steps_per_min": outcome.turns_per_hour / 60.0,
        "hit_rate": outcome.hit_rate,
        "reprefilled_tokens": float(outcome.reprefilled_tokens),
        "preemptions": float(outcome.preemptions),
        "wait_p50_s": outcome.wait_s(0.5),
        "wait_p99_s": outcome.wait_s(0.99),
        "wait_max_s": outcome.wait_s(1.0),
        "progress_p10": progress[len(progress) // 10] if progress else 0.0,
        "fairness": outcome.fairness(),
        "imbalance": outcome.imbalance,
        "programs_done": float(outcome.programs_done),
        "programs_refused": float(outcome.programs_refused),
    }
    if not experiment.load:
        metrics["makespan_s"] = outcome.measured_s
        ends_s = outcome.group_ends_s()
        if ends_s:
            metrics["groups_half_s"] = ends_s[(len(ends_s) - 1) // 2]
    return metrics
