from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulation.support import SPEC, ended, script
from thunderagent.core import CapPolicy, DefaultPolicy, Policy, ThunderPolicy
from thunderagent.simulation.catalogue import RL_BATCH, SEARCH, SWE
from thunderagent.simulation.driver import Driver
from thunderagent.simulation.experiments import Batch, Experiment, Fleet, Replay, Steady
from thunderagent.simulation.faults import Faults
from thunderagent.simulation.script import ScriptedTurn
from thunderagent.simulation.workloads import mean_context_tokens

SMALL_BATCH = replace(SEARCH, name="small-batch", group_size=4)
STEADY = Steady(SEARCH, 1.0, warm_up_s=20.0, measured_s=60.0)


def unwatched(driver: Driver) -> None:
    """Nobody looks."""


def run(experiment: Experiment, policy: Callable[[], Policy] = ThunderPolicy, seed: int = 5) -> Driver:
    return experiment.run(Fleet(policy, [SPEC]), seed, unwatched)


@pytest.mark.parametrize(
    "experiment", [STEADY, Batch(SMALL_BATCH, 2), Replay("t", [SEARCH.script(1, 0), SEARCH.script(1, 1)], [0.0, 4.0])], ids=type
)
def test_the_same_seed_gives_the_same_outcome(experiment: Experiment) -> None:
    assert run(experiment).outcome() == run(experiment).outcome()


def test_another_seed_gives_another_outcome() -> None:
    assert run(STEADY, seed=5).outcome() != run(STEADY, seed=6).outcome()


def test_the_load_is_contexts_over_the_capacity_of_all_engines() -> None:
    mean = mean_context_tokens(SWE)

    assert Steady(SWE, 4.0).programs([SPEC, SPEC]) == round(4.0 * 64_000 / mean)
    assert Steady(SWE, 1e-9).programs([SPEC]) == 1
    assert Steady(SWE, 4.0).mean_context_tokens == mean
    assert (Steady(SWE, 4.0).workload, Steady(SWE, 4.0).load) == ("swe", 4.0)


def test_a_steady_state_has_as_many_programs_at_any_time_and_is_measured_after_the_warm_up() -> None:
    under_way: list[int] = []

    def watch(driver: Driver) -> None:
        def look() -> None:
            under_way.append(sum(program.ended_s is None for program in driver.programs))
            driver.agenda.at(driver.agenda.now_s + 7.0, look)

        driver.agenda.at(1.0, look)

    driver = STEADY.run(Fleet(DefaultPolicy, [SPEC]), 5, watch)
    outcome = driver.outcome()

    assert len(under_way) == 12
    assert set(under_way) == {STEADY.programs([SPEC])}
    assert (outcome.since_s, outcome.until_s) == (20.0, 80.0)
    assert min(turn.ended_s for turn in outcome.turns) >= 20.0


def test_the_first_programs_of_a_steady_state_are_midway_and_the_others_are_whole() -> None:
    driver = run(STEADY)
    first = STEADY.programs([SPEC])
    begun = [program.script for program in driver.programs]

    whole = [SEARCH.script(5, index) for index in range(len(begun))]
    shortened = [len(one.turns) < len(other.turns) for one, other in zip(begun, whole, strict=True)]
    assert 0.3 * first < sum(shortened) < first
    assert begun[first:] == whole[first:]


def test_two_policies_are_compared_on_the_same_programs() -> None:
    one, other = ([p.script for p in run(STEADY, policy).programs] for policy in (DefaultPolicy, ThunderPolicy))
    shorter = min(len(one), len(other))

    assert one[:shorter] == other[:shorter]


def test_a_batch_runs_to_its_end_and_a_group_is_over_with_its_last_program() -> None:
    batch = Batch(SMALL_BATCH, 2)
    driver = run(batch)
    outcome = driver.outcome()

    assert batch.programs([SPEC]) == len(ended(driver)) == 8
    assert [program.began_s for program in outcome.programs] == [0.0] * 8
    assert len(outcome.group_ends_s()) == 2
    assert outcome.group_ends_s()[-1] == outcome.measured_s
    assert (batch.workload, batch.load, batch.mean_context_tokens) == ("small-batch", 0.0, mean_context_tokens(SMALL_BATCH))
    assert Batch(RL_BATCH, 64).programs([SPEC]) == 512


def test_a_recorded_trace_is_replayed_at_its_own_times() -> None:
    scripts = [script(name) for name in "abc"]
    replay = Replay("profile.jsonl", scripts, [0.0, 40.0, 41.5])
    driver = run(replay)

    assert [program.began_s for program in driver.programs] == [0.0, 40.0, 41.5]
    assert ended(driver) == ["a", "b", "c"]
    assert (replay.workload, replay.load, replay.programs([SPEC])) == ("profile.jsonl", 0.0, 3)
    assert replay.mean_context_tokens == (1_001 + 1_112) / 2


def test_a_recorded_trace_is_replayed_with_so_many_programs_at_any_time() -> None:
    replay = Replay("profile.jsonl", [script(name) for name in "abcde"], None, at_once=2)
    driver = run(replay)

    born_s = [program.began_s for program in driver.programs]
    assert born_s[:2] == [0.0, 0.0]
    assert all(born_s[index + 2] >= (driver.programs[index].ended_s or math.inf) - 1e-9 for index in range(3))
    assert len(ended(driver)) == 5
    assert replay.programs([SPEC]) == 2


def test_no_more_programs_are_under_way_than_were_recorded() -> None:
    replay = Replay("profile.jsonl", [script(name) for name in "ab"], None, at_once=50)

    assert len(ended(run(replay))) == replay.programs([SPEC]) == 2


def test_faults_and_policies_are_the_fleet_s() -> None:
    driver = Fleet(lambda: CapPolicy(programs_per_backend=3), [SPEC, SPEC], Faults(capacity_factor=0.5)).driver()

    assert isinstance(driver.scheduler.policy, CapPolicy)
    assert [backend.capacity_tokens for backend in driver.scheduler.ledger.backends.values()] == [16_000, 16_000]


def test_the_watch_is_shown_a_simulation_before_anything_has_begun() -> None:
    for experiment in (STEADY, Batch(SMALL_BATCH, 1), Replay("t", [script("a", ScriptedTurn(9, 9, "", 0.0))], [0.0])):
        seen: list[tuple[Driver, int]] = []
        driver = experiment.run(Fleet(DefaultPolicy, [SPEC]), 1, lambda one, seen=seen: seen.append((one, len(one.programs))))  # type: ignore[misc]
        assert seen == [(driver, 0)]
