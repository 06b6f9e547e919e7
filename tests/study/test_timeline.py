from __future__ import annotations

import itertools

import pytest

from tests.simulation.support import SPEC, begin, lasting, script
from tests.study.support import CROWDED, STEADY
from thunderagent.core import CapPolicy, DefaultPolicy
from thunderagent.simulation.contenders import CONTENDERS
from thunderagent.simulation.driver import Driver
from thunderagent.simulation.experiments import Fleet
from thunderagent.simulation.sampler import Sampler
from thunderagent.simulation.script import ScriptedTurn
from thunderagent.study.document import STATES, Cell, Timeline
from thunderagent.study.timeline import TRACKS, timeline

CELL = Cell("swe", "thunder", 4.0, 3, 1, {})


def seen(driver: Driver, until_s: float) -> Timeline:
    sampler = Sampler(driver, 5.0)
    driver.run(until_s)
    return timeline(CELL, sampler, driver.outcome())


def rounded(made: Timeline) -> dict[str, list[tuple[str, float, float]]]:
    return {
        track.program: [(state, round(begin_s, 1), round(end_s, 1)) for state, begin_s, end_s in track.spans]
        for track in made.tracks
    }


@pytest.mark.parametrize("contender", CONTENDERS)
def test_spans_follow_one_another_without_gaps_in_known_states(contender: str) -> None:
    samplers: list[Sampler] = []
    fleet = Fleet(CONTENDERS[contender].policy, [CONTENDERS[contender].engine(CROWDED)])
    driver = STEADY.run(fleet, 1, lambda driver: samplers.append(Sampler(driver, 5.0)))
    made = timeline(CELL, samplers[0], driver.outcome())

    assert made.tracks
    for track in made.tracks:
        assert all(state in STATES and begin_s < end_s for state, begin_s, end_s in track.spans)
        assert all(before[2] == after[1] for before, after in itertools.pairwise(track.spans))


def test_a_lone_program_reasons_runs_its_tool_and_reasons() -> None:
    driver = begin(
        Driver(DefaultPolicy(), [SPEC]), script("a", ScriptedTurn(900, 100, "bash", 3.0), ScriptedTurn(60, 50, "", 0.0))
    )

    assert rounded(seen(driver, 100.0)) == {"a": [("reasoning", 0.0, 2.1), ("tool", 2.1, 5.1), ("reasoning", 5.1, 6.1)]}


def test_who_is_held_back_until_the_end_is_paused_until_the_end() -> None:
    driver = begin(
        Driver(CapPolicy(programs_per_backend=1), [SPEC]),
        script("first", ScriptedTurn(90, 100, "bash", 3.0), ScriptedTurn(60, 50, "", 0.0)),
        lasting("second"),
        lasting("third"),
    )
    spans = rounded(seen(driver, 50.0))

    assert spans["second"] == [("paused", 0.0, spans["first"][-1][2]), ("reasoning", spans["first"][-1][2], 50.0)]
    assert spans["third"] == [("paused", 0.0, 50.0)]


def test_who_waits_in_the_engine_s_queue_is_queued() -> None:
    driver = begin(Driver(DefaultPolicy(), [SPEC]), *(lasting(name, context_tokens=14_000, answer_tokens=500) for name in "abc"))
    states = {name: [state for state, _, _ in spans] for name, spans in rounded(seen(driver, 100.0)).items()}

    assert states["c"] == ["queued", "reasoning"]


def test_a_tool_that_still_runs_runs_until_the_end() -> None:
    driver = begin(
        Driver(DefaultPolicy(), [SPEC]), script("a", ScriptedTurn(90, 100, "bash", 90.0), ScriptedTurn(60, 50, "", 0.0))
    )

    assert rounded(seen(driver, 50.0))["a"][-1] == ("tool", 2.0, 50.0)


def test_parallel_calls_are_part_of_their_turn() -> None:
    driver = begin(
        Driver(DefaultPolicy(), [SPEC]), script("a", ScriptedTurn(90, 100, "sub", 3.0, beside=2), ScriptedTurn(60, 50, "", 0.0))
    )

    assert [state for state, _, _ in rounded(seen(driver, 100.0))["a"]] == ["reasoning", "tool", "reasoning"]


def test_no_more_programs_are_shown_than_fit_below_one_another() -> None:
    driver = begin(Driver(DefaultPolicy(), [SPEC]), *(lasting(str(number), answer_tokens=3) for number in range(TRACKS + 5)))
    made = seen(driver, 100.0)

    assert [track.program for track in made.tracks] == [str(number) for number in range(TRACKS)]


def test_samples_are_those_of_each_engine() -> None:
    made = seen(begin(Driver(DefaultPolicy(), [SPEC, SPEC]), lasting("a")), 12.0)

    assert [samples.engine for samples in made.engines] == ["engine-0", "engine-1"]
    assert [samples.running for samples in made.engines] == [[0, 1, 1], [0, 0, 0]]
    assert [samples.time_s for samples in made.engines] == [[0.0, 5.0, 10.0]] * 2
    assert [samples.capacity_tokens for samples in made.engines] == [32_000] * 2
    assert made.paused_programs == [0, 0, 0]
