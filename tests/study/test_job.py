from __future__ import annotations

import pickle

import pytest

from tests.simulation.support import SPEC, lasting, script
from tests.study.support import BATCH, CROWDED, STEADY
from thunderagent.simulation.experiments import Replay
from thunderagent.simulation.faults import Faults
from thunderagent.simulation.script import ScriptedTurn
from thunderagent.study.document import METRICS
from thunderagent.study.job import Job, run

OF_BATCHES = {"makespan_s", "groups_half_s"}
OF_SWEEPS = {"ratio", "bound_share"}


def test_a_cell_says_what_was_run_and_has_all_numbers_of_a_steady_state() -> None:
    cell, timeline = run(Job(STEADY, "thunder", [SPEC], 3))

    assert (cell.workload, cell.policy, cell.load, cell.seed) == ("search", "thunder", 2.0, 3)
    assert cell.programs == STEADY.programs([SPEC])
    assert set(cell.metrics) == set(METRICS) - OF_BATCHES - OF_SWEEPS
    assert cell.metrics["steps_per_min"] > 0
    assert 0 < cell.metrics["hit_rate"] < 1
    assert cell.metrics["wait_p50_s"] <= cell.metrics["wait_p99_s"] <= cell.metrics["wait_max_s"]
    assert timeline is None


def test_a_batch_has_a_makespan_and_the_time_at_which_half_of_its_groups_were_complete() -> None:
    cell, _ = run(Job(BATCH, "thunder", [SPEC], 1))

    assert set(cell.metrics) == set(METRICS) - OF_SWEEPS
    assert 0 < cell.metrics["groups_half_s"] < cell.metrics["makespan_s"]  # of two groups, the first
    assert cell.metrics["programs_done"] == 6


def test_recorded_programs_without_groups_have_a_makespan_only() -> None:
    replay = Replay("trace", [script("a"), script("b")], [0.0, 30.0])
    cell, _ = run(Job(replay, "default", [SPEC], 0))

    assert "groups_half_s" not in cell.metrics
    assert 30.0 < cell.metrics["makespan_s"] < 40.0
    assert cell.metrics["steps_per_min"] == pytest.approx(4 / cell.metrics["makespan_s"] * 60)


def test_the_slowest_tenth_is_that_of_programs() -> None:
    fast = [script(f"fast-{index}", *[ScriptedTurn(16, 10, "bash", 1.0)] * 20) for index in range(9)]
    slow = script("slow", *[ScriptedTurn(16, 10, "bash", 11.0)] * 2)
    cell, _ = run(Job(Replay("trace", [slow, *fast], None, 10), "default", [SPEC], 0))

    assert cell.metrics["progress_p10"] > 30  # one of ten is below
    assert cell.metrics["fairness"] < 1


def test_programs_that_nobody_takes_are_refused_and_not_done() -> None:
    replay = Replay("trace", [lasting("large", context_tokens=40_000), script("small")], None, 2)
    cell, _ = run(Job(replay, "thunder", [SPEC], 0))

    assert (cell.metrics["programs_done"], cell.metrics["programs_refused"]) == (1, 1)


def test_a_timeline_is_of_the_same_simulation() -> None:
    cell, timeline = run(Job(STEADY, "thunder", [SPEC, SPEC], 3, sample_every_s=10.0))

    assert cell == run(Job(STEADY, "thunder", [SPEC, SPEC], 3))[0]  # looking changes nothing
    assert timeline is not None
    assert (timeline.workload, timeline.policy, timeline.load, timeline.seed) == ("search", "thunder", 2.0, 3)
    assert [samples.time_s for samples in timeline.engines] == [[float(at_s) for at_s in range(0, 80, 10)]] * 2


def test_a_cap_of_its_own_is_held() -> None:
    capped, timeline = run(Job(STEADY, "cap", [CROWDED], 3, cap=1, sample_every_s=5.0))

    assert capped.policy == "cap"
    assert timeline is not None
    assert max(timeline.engines[0].running) == 1


def test_a_contender_gets_the_engine_that_it_needs() -> None:
    alone, bound = (run(Job(STEADY, name, [CROWDED], 3))[0].metrics for name in ("default", "bound"))

    assert alone["reprefilled_tokens"] > 0
    assert bound["reprefilled_tokens"] == 0


def test_faults_are_the_job_s() -> None:
    right, wrong = (run(Job(STEADY, "thunder", [CROWDED], 3, faults))[0] for faults in (Faults(), Faults(capacity_factor=0.5)))

    assert right.metrics != wrong.metrics


def test_a_job_can_be_sent_to_another_process() -> None:
    for experiment in (STEADY, BATCH, Replay("trace", [script("a")], None, 1)):
        job = Job(experiment, "thunder", [SPEC], 1)
        assert pickle.loads(pickle.dumps(job)) == job
