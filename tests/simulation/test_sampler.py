from __future__ import annotations

from tests.simulation.support import SPEC, begin, lasting, script
from thunderagent.core import CapPolicy, DefaultPolicy
from thunderagent.simulation.driver import Driver
from thunderagent.simulation.faults import Death, Faults
from thunderagent.simulation.sampler import Sampler
from thunderagent.simulation.script import Script, ScriptedTurn


def test_samples_are_taken_at_equal_intervals_from_the_start_on() -> None:
    driver = begin(Driver(DefaultPolicy(), [SPEC, SPEC]), lasting("a"))
    sampler = Sampler(driver, 2.5)
    driver.run(10.0)

    assert sampler.time_s == [0.0, 2.5, 5.0, 7.5, 10.0]
    assert set(sampler.engines) == {"engine-0", "engine-1"}
    for samples in sampler.engines.values():
        assert samples.capacity_tokens == 32_000
        columns = (samples.reasoning_tokens, samples.held_tokens, samples.shared_tokens, samples.running, samples.queued)
        assert [len(column) for column in columns] == [5] * 5
    assert len(sampler.paused_programs) == 5


def test_a_program_is_seen_in_the_engine_then_held_in_a_tool_then_gone() -> None:
    driver = begin(
        Driver(DefaultPolicy(), [SPEC]), script("a", ScriptedTurn(900, 100, "bash", 10.0), ScriptedTurn(9, 1, "", 0.0))
    )
    sampler = Sampler(driver, 1.0)
    driver.begin(lasting("other"), 40.0)
    driver.run(42.0)

    engine = sampler.engines["engine-0"]
    assert (engine.running[1], engine.reasoning_tokens[1], engine.held_tokens[1]) == (1, 900, 0)
    assert (engine.running[6], engine.reasoning_tokens[6], engine.held_tokens[6]) == (0, 0, 1_000)
    assert (engine.running[30], engine.reasoning_tokens[30], engine.held_tokens[30]) == (0, 0, 0)


def test_those_who_wait_are_seen_where_they_wait() -> None:
    held = begin(Driver(CapPolicy(programs_per_backend=2), [SPEC]), *(lasting(name) for name in "abcde"))
    queued = begin(Driver(DefaultPolicy(), [SPEC]), *(lasting(name, context_tokens=12_000) for name in "abcde"))
    at_scheduler, at_engine = Sampler(held, 5.0), Sampler(queued, 5.0)
    held.run(5.0)
    queued.run(5.0)

    assert at_scheduler.paused_programs[1] == 3
    assert (at_scheduler.engines["engine-0"].running[1], at_scheduler.engines["engine-0"].queued[1]) == (2, 0)
    assert at_engine.paused_programs[1] == 0
    assert (at_engine.engines["engine-0"].running[1], at_engine.engines["engine-0"].queued[1]) == (2, 3)


def test_what_programs_share_is_counted_once() -> None:
    turns = (ScriptedTurn(3_000, 2_000, "", 0.0),)
    driver = begin(Driver(DefaultPolicy(), [SPEC]), *(Script(name, turns, group="g", shared_tokens=3_000) for name in "ab"))
    sampler = Sampler(driver, 2.0)
    driver.run(2.0)

    engine = sampler.engines["engine-0"]
    assert engine.shared_tokens[1] == 3_000
    assert engine.reasoning_tokens[1] == 0  # their answers are not told before they end


def test_an_engine_that_is_down_holds_nothing() -> None:
    driver = begin(Driver(DefaultPolicy(), [SPEC], faults=Faults(deaths=(Death(0, 3.0, 10.0),))), lasting("a"))
    sampler = Sampler(driver, 5.0)
    driver.run(20.0)

    engine = sampler.engines["engine-0"]
    assert engine.reasoning_tokens == [100, 0, 0, 100, 100]
    assert engine.running == [0, 0, 0, 1, 1]
