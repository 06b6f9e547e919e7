"""The host tier and the priority queue as requests see them; the rest of the scheduling is in ``test_engine``."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.test_engine import Run, make_engine, prompt_of
from thunderagent.simulation import Preempted, SimulatedEngine


def with_host(capacity_tokens: float, tokens_per_s: float = 50.0, blocks: int = 8) -> Run:
    """Loading a token from the host tier takes 20 ms, computing it 10 ms."""
    spec = replace(make_engine(blocks).spec, host_capacity_tokens=capacity_tokens, host_tokens_per_s=tokens_per_s)
    return Run(SimulatedEngine(spec))


def by_priority(blocks: int = 64, **limits: int) -> SimulatedEngine:
    return SimulatedEngine(replace(make_engine(blocks, **limits).spec, queue="priority"))


@pytest.mark.parametrize(("tokens_per_s", "prefill_s"), [(50.0, 1.0 + 1 / 100), (10.0, 1.6)])
def test_what_the_host_tier_has_is_loaded_beside_what_is_computed(tokens_per_s: float, prefill_s: float) -> None:
    run = with_host(1_000, tokens_per_s)
    run.ask("a", prompt_of(1, 17))
    run.ask("b", prompt_of(2, 29))  # takes all blocks
    record = run.ask("a-again", prompt_of(1, 17))

    assert record.cached_tokens == record.host_cached_tokens == 16
    assert record.prefill_s == pytest.approx(prefill_s)
    assert run.engine.counters.host_hits_tokens == run.engine.counters.prefix_cache_hits_tokens == 16
    assert run.engine.counters.reprefilled_tokens == 0


def test_a_match_goes_on_from_the_device_into_the_host_tier() -> None:
    run = with_host(1_000)
    run.ask("a", prompt_of(1, 17))
    run.ask("b", prompt_of(2, 17))  # takes the tail of what "a" left
    record = run.ask("a-again", prompt_of(1, 17))

    assert record.cached_tokens == 16
    assert 0 < record.host_cached_tokens < 16


def test_without_a_host_tier_what_was_evicted_is_computed_again() -> None:
    run = with_host(0)
    run.ask("a", prompt_of(1, 17))
    run.ask("b", prompt_of(2, 29))

    assert run.ask("a-again", prompt_of(1, 17)).cached_tokens == 0
    assert run.engine.counters.reprefilled_tokens == 16


def test_an_unbounded_host_tier_at_no_cost_makes_every_return_free() -> None:
    run = with_host(math.inf, math.inf)
    for program in range(50):
        run.ask(f"{program}/0", prompt_of(program, 13))
    for program in range(50):
        record = run.ask(f"{program}/1", prompt_of(program, 13))
        assert record.cached_tokens == 12
        assert record.prefill_s == pytest.approx(1.0 + 1 / 100)


def test_one_that_was_preempted_is_loaded_again() -> None:
    run = with_host(1_000, math.inf, blocks=4)
    run.engine.submit("early", prompt_of(1, 7), list(range(6)), "", 0.0)
    run.engine.submit("late", prompt_of(2, 7), list(range(6)), "", 0.0)
    records = run.to_the_end()

    assert records["late"].preemptions == 1
    assert records["late"].cached_tokens == 0, "what a request found is said of its first admission"
    assert run.engine.counters.host_hits_tokens == 0
    assert run.engine.counters.reprefilled_tokens == 0


def test_a_reset_empties_the_host_tier() -> None:
    run = with_host(1_000)
    run.ask("a", prompt_of(1, 17))
    run.engine.reset_prefix_cache()

    assert run.ask("a-again", prompt_of(1, 17)).cached_tokens == 0


def test_the_more_urgent_is_admitted_first() -> None:
    engine = by_priority(max_running=1)
    run = Run(engine)
    engine.submit("usual", prompt_of(1, 4), [1, 2], "", 0.0)
    engine.submit("later", prompt_of(2, 4), [1, 2], "", 0.0, priority=1)
    engine.submit("urgent", prompt_of(3, 4), [1, 2], "", 0.0, priority=-1)

    assert list(run.to_the_end()) == ["urgent", "usual", "later"]


def test_a_chain_has_a_priority_too() -> None:
    engine = by_priority(max_running=1)
    engine.submit_chain("usual", [1], 4, 2, 0.0)
    engine.submit_chain("urgent", [2], 4, 2, 0.0, priority=-1)

    assert list(Run(engine).to_the_end()) == ["urgent", "usual"]


def test_priorities_are_ignored_where_first_come_is_first_served() -> None:
    engine = make_engine(max_running=1)
    engine.submit("usual", prompt_of(1, 4), [1, 2], "", 0.0)
    engine.submit("urgent", prompt_of(3, 4), [1, 2], "", 0.0, priority=-1)

    assert list(Run(engine).to_the_end()) == ["usual", "urgent"]


def test_the_least_urgent_is_preempted_even_if_it_was_admitted_first() -> None:
    engine = by_priority(blocks=4)
    run = Run(engine)
    engine.submit("patient", prompt_of(1, 7), list(range(6)), "", 0.0, priority=1)
    run.step()
    engine.submit("urgent", prompt_of(2, 7), list(range(6)), "", run.now_s)
    records = run.to_the_end()

    assert [event for event in run.events if isinstance(event, Preempted)] == [Preempted("patient")]
    assert records["urgent"].preemptions == 0
    assert list(records) == ["urgent", "patient"]


def test_one_preempted_after_it_was_served_gets_no_token_and_costs_no_time() -> None:
    engine = by_priority(blocks=4)
    run = Run(engine)
    engine.submit("patient", prompt_of(1, 5), list(range(9)), "", 0.0, priority=1)
    run.step()
    engine.submit("urgent", prompt_of(2, 8), list(range(6)), "", run.now_s)
    run.step()
    before_s, before_tokens = run.now_s, engine.completion_tokens("patient")
    assert run.step() == (Preempted("patient"),)  # served first, then preempted for the other's third block

    assert engine.completion_tokens("patient") == before_tokens
    assert run.now_s - before_s == pytest.approx(1.0 + 9 * 0.001)


def test_a_step_that_preempts_admits_nobody() -> None:
    engine = by_priority(blocks=6)
    run = Run(engine)
    engine.submit("patient", prompt_of(1, 13), list(range(6)), "", 0.0, priority=2)
    engine.submit("urgent", prompt_of(2, 7), list(range(6)), "", 0.0)
    run.step()
    engine.submit("small", prompt_of(3, 3), [1, 2], "", run.now_s, priority=1)  # fits as soon as "patient" is gone
    while not engine.counters.preemptions:
        run.step()

    assert (engine.running, engine.waiting) == (1, 2)
    run.step()
    assert (engine.running, engine.waiting) == (2, 1)


requests = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 20), st.integers(1, 12), st.integers(-1, 1)), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(asked=requests, blocks=st.integers(8, 20), host_tokens=st.sampled_from([0, 30, math.inf]), budget=st.integers(3, 40))
def test_every_request_finishes_whatever_its_priority(
    asked: list[tuple[int, int, int, int]], blocks: int, host_tokens: float, budget: int
) -> None:
    engine = SimulatedEngine(
        replace(make_engine(blocks, max_batched_tokens=budget).spec, queue="priority", host_capacity_tokens=host_tokens)
    )
    run = Run(engine)
    for index, (family, prompt_tokens, output_tokens, priority) in enumerate(asked):
        engine.submit(str(index), prompt_of(family, prompt_tokens), list(range(output_tokens)), "", run.now_s, priority=priority)
        run.step()
    records = run.to_the_end()

    assert len(records) == len(asked)
    assert engine.used_blocks == 0
    assert engine.counters.generation_tokens == sum(output_tokens for _, _, output_tokens, _ in asked)
    assert engine.counters.host_hits_tokens == sum(record.host_cached_tokens for record in records.values())
