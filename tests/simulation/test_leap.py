from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.test_engine import make_engine, prompt_of
from thunderagent.simulation import SimulatedEngine
from thunderagent.simulation.leap import blocks_for


def cached_prefixes(engine: SimulatedEngine) -> set[int]:
    return set(engine._state.cache.names)


def test_a_step_that_finishes_a_request_is_not_quiet() -> None:
    engine = make_engine()
    engine.submit("a", prompt_of(1, 10), [1, 2, 3, 4], "", 0.0)

    assert engine.quiet_steps() == 0  # its prefill comes first
    engine.step(0.0)
    assert engine.quiet_steps() == 2
    engine.leap(2)
    assert engine.quiet_steps() == 0
    assert [type(event).__name__ for event in engine.step(0.0).events] == ["Finished"]


def test_nothing_is_quiet_while_somebody_is_about_to_be_admitted() -> None:
    engine = make_engine()
    engine.submit("a", prompt_of(1, 10), list(range(50)), "", 0.0)
    engine.step(0.0)
    engine.submit("b", prompt_of(2, 10), [1, 2, 3], "", 0.0)

    assert engine.quiet_steps() == 0


def test_one_who_does_not_fit_disturbs_nobody() -> None:
    engine = make_engine(blocks=10)
    engine.submit("a", prompt_of(1, 10), list(range(20)), "", 0.0)
    engine.step(0.0)
    engine.submit("b", prompt_of(2, 36), [1], "", 0.0)

    assert engine.quiet_steps() > 0


def test_a_step_that_must_preempt_is_not_quiet() -> None:
    engine = make_engine(blocks=6)
    for name, family in (("a", 1), ("b", 2)):
        engine.submit(name, prompt_of(family, 8), list(range(14)), "", 0.0)
    engine.step(0.0)

    assert blocks_for(engine._state, engine.quiet_steps()) <= engine._state.cache.available_blocks
    assert engine.quiet_steps() < 13


def test_a_chain_of_names_shares_blocks_like_the_tokens_it_names() -> None:
    engine = make_engine()
    engine.submit_chain("a", [1, 2, 3], 12, 2, 0.0)
    engine.step(0.0)
    engine.submit_chain("b", [1, 2, 4], 12, 2, 0.0)
    engine.step(0.0)

    assert engine.cached_tokens("b") == 8


@pytest.mark.parametrize(
    ("chain", "prompt_tokens", "output_tokens", "problem"),
    [([1], 8, 1, "chain has 1 blocks"), ([1, 2], 0, 8, "at least 1"), ([1] * 99, 300, 1, "at most 256")],
)
def test_a_chain_that_cannot_be_is_refused(chain: list[int], prompt_tokens: int, output_tokens: int, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make_engine().submit_chain("a", chain, prompt_tokens, output_tokens, 0.0)


requests = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 30), st.integers(0, 2)), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(
    blocks=st.integers(20, 60),
    asked=requests,
    cut=st.integers(1, 7),
    queue=st.sampled_from(["fcfs", "priority"]),
    host_tokens=st.sampled_from([0, 40, math.inf]),
)
def test_a_leap_leaves_the_engine_as_so_many_steps_do(
    blocks: int, asked: list[tuple[int, int, int]], cut: int, queue: Literal["fcfs", "priority"], host_tokens: float
) -> None:
    spec = replace(make_engine(blocks).spec, queue=queue, host_capacity_tokens=host_tokens, host_tokens_per_s=100.0)
    stepped, leapt = SimulatedEngine(spec), SimulatedEngine(spec)
    for engine in (stepped, leapt):
        for number, (prompt_tokens, output_tokens, priority) in enumerate(asked):
            prompt, output = prompt_of(number % 3, prompt_tokens), prompt_of(100 + number, output_tokens)
            engine.submit(str(number), prompt, output, "", 0.0, priority=priority)
    while leapt.running or leapt.waiting:
        steps = min(cut, leapt.quiet_steps())
        expected_s = leapt.quiet_s(steps)
        leapt.leap(steps)
        results = [stepped.step(0.0) for _ in range(steps)]
        assert all(result.events == () for result in results)
        assert sum(result.duration_s for result in results) == pytest.approx(expected_s)
        assert leapt.step(0.0) == stepped.step(0.0)
        assert leapt.counters == stepped.counters
        assert cached_prefixes(leapt) == cached_prefixes(stepped)
        assert leapt.used_blocks == stepped.used_blocks
