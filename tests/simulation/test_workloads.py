from __future__ import annotations

from dataclasses import replace
from itertools import islice
from statistics import fmean, median

import pytest

from thunderagent.simulation.catalogue import OPENHANDS, RL_BATCH, SEARCH, SLOW_TOOLS, SWE
from thunderagent.simulation.distributions import LogNormal
from thunderagent.simulation.script import Script, ScriptedTurn
from thunderagent.simulation.workloads import MAX_CONTEXT_TOKENS, Workload


@pytest.mark.parametrize(
    ("workload", "context_tokens", "turns", "tool_median_s"),
    [(SWE, 16_700, 31, 1.5), (OPENHANDS, 37_500, 42, 5.0), (SEARCH, 3_500, 5, 0.8), (SLOW_TOOLS, 16_700, 31, 20.0)],
)
def test_a_workload_is_what_the_policy_study_says(
    workload: Workload, context_tokens: int, turns: int, tool_median_s: float
) -> None:
    scripts = list(islice(workload.scripts(0), 400))

    assert workload.mean_context_tokens() == pytest.approx(context_tokens, rel=0.05)
    assert fmean(len(script.turns) for script in scripts) == pytest.approx(turns, rel=0.07)
    tools_s = [turn.tool_s for script in scripts for turn in script.turns if turn.tool]
    assert median(tools_s) == pytest.approx(tool_median_s, rel=0.1)


def test_a_program_is_the_same_whichever_were_drawn_before_it() -> None:
    assert list(islice(SWE.scripts(7), 5))[4] == SWE.script(7, 4)
    assert SWE.script(7, 4) != SWE.script(8, 4)


def test_only_the_last_turn_calls_no_tool() -> None:
    turns = SWE.script(1, 0).turns

    assert [bool(turn.tool) for turn in turns] == [True] * (len(turns) - 1) + [False]


def test_samples_of_a_group_share_their_first_prompt_and_differ_in_length() -> None:
    group = list(islice(RL_BATCH.scripts(3), 8))

    assert len({script.group for script in group}) == 1
    assert len({script.turns[0].new_tokens for script in group}) == 1
    assert all(script.shared_tokens == script.turns[0].new_tokens for script in group)
    assert len({len(script.turns) for script in group}) > 1
    assert RL_BATCH.script(3, 8).group != group[0].group


def test_a_program_ends_when_its_context_window_is_full() -> None:
    endless = replace(SWE, turns=LogNormal(5_000, 5_000))

    contexts = endless.script(1, 0).contexts()
    assert 0.9 * MAX_CONTEXT_TOKENS < contexts[-1] <= MAX_CONTEXT_TOKENS


def test_a_program_that_is_joined_midway_has_the_same_contexts_from_there_on() -> None:
    script = SWE.script(1, 0)

    assert script.from_turn(0) is script
    assert script.from_turn(4).contexts() == script.contexts()[4:]


def test_a_context_that_was_cut_goes_on_from_what_is_kept() -> None:
    cut = ScriptedTurn(30, 5, "bash", 1.0, kept_tokens=40)
    script = Script("p", (ScriptedTurn(100, 10, "bash", 1.0), cut, ScriptedTurn(7, 3, "", 0.0)))

    assert script.contexts() == [110, 75, 85]
    assert script.from_turn(1).turns[0] == replace(cut, new_tokens=70, kept_tokens=None)
    assert script.from_turn(1).contexts() == script.contexts()[1:]
    assert script.from_turn(2).contexts() == script.contexts()[2:]
