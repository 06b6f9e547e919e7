from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from thunderagent.simulation.catalogue import LOST_CLIENTS, PARALLEL, RL_BATCH, SEARCH, SHARED_PREFIX, SWE
from thunderagent.simulation.distributions import LogNormal
from thunderagent.simulation.workloads import MAX_CONTEXT_TOKENS, SIZING_PROGRAMS, Mix, mean_context_tokens, scripts


def test_a_program_is_the_same_whichever_were_drawn_before_it() -> None:
    assert list(islice(scripts(SWE, 7), 5))[4] == SWE.script(7, 4)
    assert SWE.script(7, 4) != SWE.script(8, 4)


def test_the_mean_context_is_that_of_turns_not_of_programs() -> None:
    constant = replace(
        SEARCH, first_prompt=LogNormal(100, 100), turns=LogNormal(3, 3), observation=LogNormal(10, 10), output=LogNormal(5, 5)
    )

    assert constant.script(0, 0).contexts() == [105, 120, 135]
    assert mean_context_tokens(constant) == 120.0


def test_the_mean_context_is_over_so_many_programs_that_seeds_hardly_differ() -> None:
    assert SIZING_PROGRAMS >= 100
    assert mean_context_tokens(SEARCH, 1) == pytest.approx(mean_context_tokens(SEARCH, 2), rel=0.1)


def test_only_the_last_turn_calls_no_tool() -> None:
    turns = SWE.script(1, 0).turns

    assert [bool(turn.tool) for turn in turns] == [True] * (len(turns) - 1) + [False]
    assert all(turn.tool_s > 0 for turn in turns[:-1])
    assert turns[-1].tool_s == 0.0


def test_samples_of_a_group_share_their_first_prompt_and_differ_in_length() -> None:
    group = list(islice(scripts(RL_BATCH, 3), 8))

    assert len({script.group for script in group}) == 1
    assert len({script.turns[0].new_tokens for script in group}) == 1
    assert all(script.shared_tokens == script.turns[0].new_tokens for script in group)
    assert len({len(script.turns) for script in group}) > 1
    assert RL_BATCH.script(3, 8).group != group[0].group


def test_hard_prompts_make_all_their_samples_longer() -> None:
    groups = [[len(RL_BATCH.script(1, 8 * group + member).turns) for member in range(8)] for group in range(40)]
    means = [sum(lengths) / len(lengths) for lengths in groups]
    grand = sum(means) / len(means)
    of_means = sum((mean - grand) ** 2 for mean in means) / len(means)
    of_all = sum((length - grand) ** 2 for lengths in groups for length in lengths) / (8 * len(groups))

    assert of_means > 0.35 * of_all  # of samples that have nothing in common it is an eighth


def test_a_program_ends_when_its_context_window_is_full() -> None:
    endless = replace(SWE, turns=LogNormal(5_000, 5_000))

    contexts = endless.script(1, 0).contexts()
    assert 0.9 * MAX_CONTEXT_TOKENS < contexts[-1] <= MAX_CONTEXT_TOKENS
    assert endless.script(1, 0).turns[-1].tool == ""


def test_a_shared_system_prompt_comes_before_the_first_prompt() -> None:
    first, second = (SHARED_PREFIX.script(1, index) for index in range(2))

    assert first.prefix == second.prefix != ""
    assert first.prefix_tokens == 20_000
    assert first.turns[0].new_tokens > 20_000
    assert SWE.script(1, 0).prefix == ""


def test_some_turns_make_parallel_calls() -> None:
    turns = [turn for script in islice(scripts(PARALLEL, 1), 50) for turn in script.turns]

    assert {turn.beside for turn in turns} == {0, 3}
    assert sum(turn.beside > 0 for turn in turns) / len(turns) == pytest.approx(0.25, abs=0.03)


def test_lost_clients_stop_halfway_before_their_last_turn() -> None:
    programs = list(islice(scripts(LOST_CLIENTS, 1), 200))
    lost = [script for script in programs if not script.released]

    assert len(lost) / len(programs) == pytest.approx(0.2, abs=0.07)
    assert all(script.turns[-1].tool for script in lost if len(script.turns) > 1)
    assert all(script.turns[-1].tool == "" for script in programs if script.released)


def test_a_mix_has_programs_of_every_part_by_their_shares_and_names_of_its_own() -> None:
    mix = Mix("both", ((SWE, 0.25), (SEARCH, 0.75)))
    programs = [mix.script(1, index) for index in range(200)]
    of_search = [replace(SEARCH.script(1, index), program_id=f"both-{index}") for index in range(200)]

    assert mix.group_size == 1
    assert [script.program_id for script in programs[:3]] == ["both-0", "both-1", "both-2"]
    shared = sum(script == other for script, other in zip(programs, of_search, strict=True))
    assert shared / 200 == pytest.approx(0.75, abs=0.08)


def test_a_mix_of_groups_is_refused() -> None:
    with pytest.raises(ValueError, match="part with groups"):
        Mix("wrong", ((SWE, 0.5), (RL_BATCH, 0.5)))
