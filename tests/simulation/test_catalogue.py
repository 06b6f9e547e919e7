from __future__ import annotations

from itertools import islice
from statistics import fmean, median, quantiles

import pytest

from thunderagent.simulation.catalogue import OPENHANDS, RL_BATCH, SEARCH, SHARED_PREFIX, SLOW_TOOLS, SWE, WORKLOADS
from thunderagent.simulation.workloads import Workload, mean_context_tokens, scripts


@pytest.mark.parametrize(
    ("workload", "context_tokens", "turns", "tool_median_s", "tool_p99_s"),
    [
        (SWE, 16_700, 31, 1.5, 60.0),
        (OPENHANDS, 37_500, 42, 5.0, 120.0),
        (SEARCH, 3_500, 5, 0.8, None),
        (SLOW_TOOLS, 16_700, 31, 20.0, None),
    ],
)
def test_a_workload_is_what_the_policy_study_says(
    workload: Workload, context_tokens: int, turns: int, tool_median_s: float, tool_p99_s: float | None
) -> None:
    drawn = list(islice(scripts(workload, 0), 400))

    assert mean_context_tokens(workload) == pytest.approx(context_tokens, rel=0.05)
    assert fmean(len(script.turns) for script in drawn) == pytest.approx(turns, rel=0.07)
    tools_s = [turn.tool_s for script in drawn for turn in script.turns if turn.tool]
    assert median(tools_s) == pytest.approx(tool_median_s, rel=0.1)
    if tool_p99_s is not None:
        assert quantiles(tools_s, n=100)[98] == pytest.approx(tool_p99_s, rel=0.15)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_named_workload_depends_on_seed_and_number_alone(name: str) -> None:
    source = WORKLOADS[name]

    assert source.name == name
    assert [source.script(5, index) for index in (3, 0)] == [source.script(5, index) for index in (3, 0)]
    assert source.script(5, 3).turns != source.script(6, 3).turns
    assert source.script(5, 3).turns != source.script(5, 2).turns


@pytest.mark.parametrize("name", WORKLOADS)
def test_programs_of_a_named_workload_have_names_of_their_own(name: str) -> None:
    assert len({script.program_id for script in islice(scripts(WORKLOADS[name], 1), 50)}) == 50


def test_only_the_batch_of_rl_has_groups() -> None:
    assert {name for name, source in WORKLOADS.items() if source.group_size > 1} == {RL_BATCH.name}


def test_answers_of_coding_agents_have_a_mean_of_150_tokens() -> None:
    assert SWE.output.mean == pytest.approx(150, rel=0.1)


def test_variants_of_swe_are_swe_but_for_what_they_are_named_for() -> None:
    assert mean_context_tokens(SHARED_PREFIX) == pytest.approx(mean_context_tokens(SWE) + 20_000, rel=0.05)
    assert mean_context_tokens(SLOW_TOOLS) == pytest.approx(mean_context_tokens(SWE), rel=0.05)
