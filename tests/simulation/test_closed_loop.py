from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import pytest

from thunderagent.core import BackendLeft, CapPolicy, DefaultPolicy, Limits, Policy, ThunderPolicy, TrPolicy
from thunderagent.simulation import EngineSpec
from thunderagent.simulation.closed_loop import ClosedLoop
from thunderagent.simulation.experiments import batch, programs_for, steady_state
from thunderagent.simulation.workloads import RL_BATCH, SEARCH, SWE, Script, ScriptedTurn

SPEC = EngineSpec(kv_capacity_tokens=32_000, prefill_tokens_per_s=9_000.0, decode_step_s=0.02, decode_s_per_kv_token=65e-9)
POLICIES = [DefaultPolicy, lambda: CapPolicy(programs_per_backend=4), TrPolicy.published, TrPolicy, ThunderPolicy]


def script(name: str, *turns: ScriptedTurn) -> Script:
    return Script(name, turns)


TWO_TURNS = (ScriptedTurn(900, 101, "bash", 3.0), ScriptedTurn(60, 51, "", 0.0))


def test_a_lone_program_takes_the_time_of_its_turns_and_tools() -> None:
    loop = ClosedLoop(DefaultPolicy(), [SPEC], [script("a", *TWO_TURNS)], programs=1)
    loop.run(math.inf)

    first, second = loop.finished_turns
    assert first.cached_tokens == 0
    assert second.prompt_tokens == 900 + 101 + 60
    assert second.cached_tokens == 992  # the KV of the last token of an answer is never computed: whole blocks of 1,000 tokens
    prefill_s = (900 + 69) / 9_000
    assert loop.agenda.now_s == pytest.approx(3.0 + 152 * 0.02 + prefill_s, abs=0.02)
    assert loop.scheduler.programs == {}


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_finishes_every_program_and_is_consistent_on_the_way(policy: Callable[[], Policy]) -> None:
    loop = ClosedLoop(policy(), [SPEC, SPEC], islice(SEARCH.scripts(1), 40), programs=30)
    for until_s in range(10, 5_000, 10):
        loop.run(until_s)
        loop.scheduler.check_invariants()

    assert len(loop.finished_programs) == 40
    assert loop.scheduler.programs == {}


def test_the_same_seed_gives_the_same_outcome() -> None:
    first, again = (steady_state(ThunderPolicy(), [SPEC], SEARCH, 20, 5, warm_up_s=20, measured_s=60) for _ in range(2))

    assert first == again


def test_an_overloaded_engine_alone_computes_contexts_again_and_thunder_does_not() -> None:
    spec = replace(SPEC, kv_capacity_tokens=100_000)
    programs = programs_for(4.0, SWE, [spec])
    alone, held = (
        steady_state(policy, [spec], SWE, programs, 1, warm_up_s=60, measured_s=240)
        for policy in (DefaultPolicy(), ThunderPolicy())
    )

    assert held.turns_per_hour > 1.1 * alone.turns_per_hour
    assert held.hit_rate > alone.hit_rate
    assert held.reprefilled_tokens < alone.reprefilled_tokens


def test_a_group_is_over_with_its_last_program() -> None:
    outcome = batch(ThunderPolicy(), [SPEC], RL_BATCH, 16, 1)

    assert len(outcome.group_ends_s()) == 2
    assert outcome.group_ends_s()[-1] == outcome.measured_s


def test_samples_of_a_group_find_their_prompt_cached() -> None:
    sample = ScriptedTurn(3_000, 10, "", 0.0)
    scripts = [Script(name, (sample,), group="prompt", shared_tokens=3_000) for name in "ab"]
    loop = ClosedLoop(DefaultPolicy(), [SPEC], scripts, programs=1)
    loop.run(math.inf)

    assert [turn.cached_tokens for turn in loop.finished_turns] == [0, 2_992]


def test_a_program_that_no_engine_can_hold_is_refused_and_the_next_begins() -> None:
    scripts = [script("large", ScriptedTurn(40_000, 10, "", 0.0)), script("small", *TWO_TURNS)]
    loop = ClosedLoop(ThunderPolicy(), [SPEC], scripts, programs=1)
    loop.run(math.inf)

    assert loop.refused_programs == 1
    assert len(loop.finished_turns) == 2


def test_turns_on_an_engine_that_leaves_are_asked_again_elsewhere() -> None:
    loop = ClosedLoop(ThunderPolicy(), [SPEC, SPEC], [script(name, *TWO_TURNS) for name in "abcd"], programs=4)
    loop.run(1.0)
    loop.tell(BackendLeft("engine-0"))
    loop.run(math.inf)

    assert len(loop.finished_programs) == 4
    assert loop.stations["engine-0"].engine.running == 0


def test_turns_refused_for_now_are_asked_again() -> None:
    limits = Limits(max_programs=1)
    loop = ClosedLoop(DefaultPolicy(), [SPEC], [script(name, *TWO_TURNS) for name in "ab"], programs=2, limits=limits)
    loop.run(math.inf)

    assert loop.refused_programs == 0
    assert len(loop.finished_programs) == 2


def test_waits_that_still_last_count() -> None:
    scripts = [script(name, ScriptedTurn(9_000, 2_000, "", 0.0)) for name in "abcde"]
    loop = ClosedLoop(CapPolicy(programs_per_backend=1), [SPEC], scripts, programs=5)
    loop.run(20.0)
    outcome = loop.outcome()

    assert outcome.turns == []
    assert outcome.turns_per_hour == 0.0
    assert outcome.wait_s(1.0) == 20.0


def test_nothing_measured_is_no_error() -> None:
    outcome = ClosedLoop(DefaultPolicy(), [SPEC], [], programs=1).outcome()

    assert (outcome.turns_per_hour, outcome.hit_rate, outcome.wait_s(0.99), outcome.group_ends_s()) == (0.0, 0.0, 0.0, [])
