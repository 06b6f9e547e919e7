from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace

import pytest

from tests.simulation.support import SPEC
from tests.study.support import BATCH, CROWDED, STEADY
from thunderagent.simulation.contenders import CAP_SEED, caps
from thunderagent.simulation.driver import Driver
from thunderagent.simulation.experiments import Fleet, Steady, Watch
from thunderagent.study.document import Cell
from thunderagent.study.job import Job, run
from thunderagent.study.sweep import SEARCH_SHARE, Plan, sweep

SHORT = replace(STEADY, warm_up_s=5.0, measured_s=20.0)
LIGHT = replace(SHORT, load=0.5)


class Broken(Exception):
    """Of an experiment."""


@dataclass(frozen=True, slots=True)
class Breaking(Steady):
    """Raises when it is run."""

    error: type[BaseException] = Broken

    def run(self, fleet: Fleet, seed: int, watch: Watch) -> Driver:
        raise self.error("as planned")


def test_cells_come_in_the_order_of_the_plan() -> None:
    plan = Plan([LIGHT, SHORT], ["thunder", "default"], [CROWDED], [4, 2])
    cells = sweep(plan, workers=2).cells

    assert [(cell.seed, cell.load, cell.policy) for cell in cells] == [
        (seed, load, policy) for seed in (4, 2) for load in (0.5, 2.0) for policy in ("thunder", "default")
    ]


def test_each_cell_is_what_its_job_gives_alone() -> None:
    plan = Plan([SHORT], ["thunder"], [CROWDED], [1])
    alone, _ = run(Job(SHORT, "thunder", [CROWDED], 1))

    assert sweep(plan, workers=1).cells == [alone]


def test_ratios_are_to_the_engine_alone_and_to_the_bound_with_the_same_seed_and_load() -> None:
    cells = sweep(Plan([LIGHT, SHORT], ["default", "thunder", "bound"], [CROWDED], [1, 2]), workers=1).cells
    rates = {(cell.policy, cell.load, cell.seed): cell.metrics["steps_per_min"] for cell in cells}

    for cell in cells:
        rate = cell.metrics["steps_per_min"]
        assert cell.metrics["ratio"] == rate / rates["default", cell.load, cell.seed]
        assert cell.metrics["bound_share"] == rate / rates["bound", cell.load, cell.seed]
    assert len({cell.metrics["ratio"] for cell in cells}) > 1


def test_what_was_not_run_is_not_compared_with() -> None:
    (cell,) = sweep(Plan([SHORT], ["thunder"], [CROWDED], [1]), workers=1).cells

    assert not {"ratio", "bound_share"} & set(cell.metrics)


def test_an_engine_alone_that_did_nothing_is_not_compared_with() -> None:
    nothing = replace(SHORT, warm_up_s=0.0, measured_s=0.01)
    cells = sweep(Plan([nothing], ["default", "thunder"], [CROWDED], [1]), workers=1).cells

    assert [cell.metrics["steps_per_min"] for cell in cells] == [0.0, 0.0]
    assert not any("ratio" in cell.metrics for cell in cells)


def test_caps_are_searched_on_programs_of_their_own_and_in_less_time() -> None:
    plan = Plan([SHORT, BATCH], ["cap", "thunder"], [CROWDED], [1])
    searches = plan.searches()

    assert {job.seed for job in searches} == {CAP_SEED}
    tried = [(job.experiment.workload, job.cap) for job in searches]
    assert tried == [(e.workload, cap) for e in (SHORT, BATCH) for cap in caps(e.mean_context_tokens, CROWDED)]
    assert {job.experiment.measured_s for job in searches if isinstance(job.experiment, Steady)} == {SEARCH_SHARE * 20.0}
    assert BATCH in [job.experiment for job in searches]
    assert Plan([SHORT], ["thunder"], [CROWDED], [1]).searches() == []


def test_the_best_cap_of_each_experiment_is_used_with_every_seed() -> None:
    plan = Plan([LIGHT, SHORT], ["cap"], [CROWDED], [1, 2])
    results = sweep(plan, workers=1)

    searches = plan.searches()
    rates = [run(job)[0].metrics["steps_per_min"] for job in searches]
    count = len(searches) // 2
    best = [max(range(start, start + count), key=lambda index: rates[index]) for start in (0, count)]
    assert results.caps == [searches[index].cap for index in best]
    chosen = {(cell.load, cell.seed): cell.metrics for cell in results.cells}
    for experiment, cap in zip((LIGHT, SHORT), results.caps, strict=True):
        for seed in (1, 2):
            alone, _ = run(Job(experiment, "cap", [CROWDED], seed, cap=cap))
            assert chosen[experiment.load, seed] == alone.metrics


def test_progress_counts_searches_and_simulations_up_to_the_total() -> None:
    told: list[tuple[int, int, str, int]] = []

    def progress(done: int, total: int, cell: Cell) -> None:
        told.append((done, total, cell.policy, cell.seed))

    plan = Plan([SHORT], ["default", "cap"], [CROWDED], [1, 2])
    sweep(plan, 1, progress)

    total = len(plan.searches()) + 4
    assert [(done, of) for done, of, _, _ in told] == [(done, total) for done in range(1, total + 1)]
    assert {seed for _, _, _, seed in told[: len(plan.searches())]} == {CAP_SEED}
    assert {(policy, seed) for _, _, policy, seed in told[-4:]} == {(p, s) for p in ("default", "cap") for s in (1, 2)}


def test_timelines_are_of_the_last_experiment_of_each_workload_with_the_first_seed() -> None:
    plan = Plan([LIGHT, SHORT, BATCH], ["default", "thunder"], [SPEC], [7, 8], sample_every_s=10.0)
    timelines = sweep(plan, workers=1).timelines

    assert [(made.workload, made.load, made.policy, made.seed) for made in timelines] == [
        (workload, load, policy, 7) for workload, load in (("search", 2.0), ("batch", 0.0)) for policy in ("default", "thunder")
    ]
    assert sweep(Plan([LIGHT], ["default"], [SPEC], [7]), workers=1).timelines == []


@pytest.mark.parametrize("error", [Broken, KeyboardInterrupt])
def test_what_ends_a_simulation_early_reaches_the_caller(error: type[BaseException]) -> None:
    told: list[int] = []
    plan = Plan([Breaking(STEADY.source, 1.0, error=error)], ["default"], [SPEC], list(range(20)))
    with pytest.raises(error, match="as planned"):
        sweep(plan, 1, lambda done, total, cell: told.append(done))

    assert told == []


def test_a_caller_who_is_interrupted_waits_for_no_simulation_that_has_not_begun() -> None:
    def interrupted(done: int, total: int, cell: Cell) -> None:
        raise KeyboardInterrupt

    endless = Plan([replace(SHORT, measured_s=2.0)], ["default"], [SPEC], range(3_000))
    with pytest.raises(KeyboardInterrupt):
        sweep(endless, 1, interrupted)


INTERRUPTED = """
import os, signal
from tests.study.support import CROWDED
from tests.study.test_sweep import SHORT
from thunderagent.simulation.experiments import Steady
from thunderagent.study.sweep import Plan, sweep

class Interrupting(Steady):
    def run(self, fleet, seed, watch):
        driver = super().run(fleet, seed, watch)
        if seed:
            os.killpg(0, signal.SIGINT)
        return driver

experiment = Interrupting(SHORT.source, 2.0, 5.0, 60.0)
try:
    sweep(Plan([SHORT, experiment], ["default"], [CROWDED], [0, 1]), 3)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_with_ctrl_c_in_a_terminal_only_the_caller_has_something_to_say() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=False, start_new_session=True
    )

    assert (ran.stdout, ran.stderr) == ("interrupted\n", "")
