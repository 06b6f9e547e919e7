"""Our own profile comes back as the programs that made it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.traces.support import kept, read, sizes
from thunderagent.adapters.tracking import CSV_COLUMNS
from thunderagent.core import DefaultPolicy
from thunderagent.errors import TraceImportError
from thunderagent.runtime.profile import SCHEMA
from thunderagent.simulation import EngineSpec
from thunderagent.simulation.driver import Driver
from thunderagent.simulation.traces import profile, read_trace

RECORDED = Path(__file__).parent / "recorded_profile.jsonl"
"""Of ``recipes.skyrl_swe`` in front of vLLM 0.32: 2 prompts with 4 samples, 4 turns each."""


def step(number: int, prompt: int, completion: int = 10, **fields: Any) -> dict[str, Any]:
    return {"program_id": "p", "step_id": number, "prompt_tokens": prompt, "completion_tokens": completion, **fields}


def test_a_profile_that_a_recipe_recorded_is_read_whole() -> None:
    lines = RECORDED.read_text().splitlines()
    trace = read_trace(lines)

    assert (trace.format, len(trace.scripts), trace.turns, trace.notes) == ("profile", 8, 32, ())
    recorded: dict[str, list[tuple[int, int]]] = {}
    for line in map(json.loads, lines):
        recorded.setdefault(line["program_id"], []).append((line["prompt_tokens"], line["completion_tokens"]))
    assert {script.program_id: sizes(script) for script in trace.scripts} == recorded
    assert {script.group: script.shared_tokens for script in trace.scripts} == {"train/0": 1608, "train/1": 1617}


def test_a_recorded_profile_runs_in_the_simulator_to_its_end() -> None:
    trace = read_trace(RECORDED.read_text().splitlines())
    driver = Driver(DefaultPolicy(), [EngineSpec.dense_32b_on_2xh100()])
    for script in trace.scripts:
        driver.begin(script)
    driver.run(math.inf)

    prompts = sorted(prompt for script in trace.scripts for prompt, _ in sizes(script))
    assert sorted(turn.prompt_tokens for turn in driver.outcome().turns) == prompts


def test_all_fields_of_a_profile_are_known() -> None:
    assert set(CSV_COLUMNS) == profile.KNOWN_FIELDS


def test_a_turn_is_what_it_adds_and_the_tool_call_after_it() -> None:
    [script] = read([step(1, 100, tool="bash"), step(2, 130, 20, tool_call_s=2.5), step(3, 150, tool_call_s=1.0)]).scripts

    assert [(turn.new_tokens, turn.output_tokens) for turn in script.turns] == [(100, 10), (20, 20), (0, 10)]
    assert [(turn.tool, turn.tool_s) for turn in script.turns] == [("bash", 2.5), ("tool", 1.0), ("", 0.0)]
    assert kept(script) == [None, None, None]


def test_where_the_tool_time_is_missing_the_times_of_the_turns_tell() -> None:
    [script] = read([step(1, 100, arrived_at=10.0, completed_at=12.0), step(2, 130, arrived_at=15.5)]).scripts
    assert script.turns[0].tool_s == 3.5


def test_an_answer_that_comes_back_shorter_keeps_the_prompt_before_it() -> None:
    [script] = read([step(1, 100, 50), step(2, 120)]).scripts

    assert kept(script) == [None, 100]
    assert sizes(script) == [(100, 50), (120, 10)]


def test_what_the_engine_found_of_a_shorter_answer_is_kept_too() -> None:
    [script] = read([step(1, 100, 50), step(2, 120, cached_tokens=112)]).scripts
    assert kept(script) == [None, 112]


def test_a_compacted_context_keeps_what_the_engine_found_in_its_cache() -> None:
    trace = read([step(1, 100), step(2, 900), step(3, 300, cached_tokens=64)])

    assert kept(trace.scripts[0]) == [None, None, 64]
    assert sizes(trace.scripts[0])[2] == (300, 10)
    assert any("1 turn begins with only a part of the context" in note for note in trace.notes)


def test_a_compacted_context_of_which_nothing_was_cached_keeps_the_first_prompt() -> None:
    trace = read([step(1, 100), step(2, 900), step(3, 300, cached_tokens=0), step(4, 50)])
    assert kept(trace.scripts[0]) == [None, None, 100, 50]


def test_a_failed_step_is_left_out_and_the_tool_call_before_it_keeps_its_length() -> None:
    failed = step(2, 130, 0, outcome="failed", tool_call_s=7.0)
    trace = read([step(1, 100), failed, step(3, 130, tool_call_s=0.1)])

    assert [turn.tool_s for turn in trace.scripts[0].turns] == [7.0, 0.0]
    assert "1 step did not complete and is left out" in trace.notes


def test_an_id_whose_steps_begin_anew_is_another_program() -> None:
    trace = read([step(1, 100), step(2, 130), step(1, 100)])
    assert [(script.program_id, len(script.turns)) for script in trace.scripts] == [("p", 2), ("p#2", 1)]


def test_turns_side_by_side_are_told() -> None:
    trace = read([step(1, 100, arrived_at=1.0, completed_at=5.0), step(2, 130, arrived_at=2.0, completed_at=6.0)])

    assert trace.scripts[0].turns[0].tool_s == 0.0
    assert any("1 turn ran beside another one of its program" in note for note in trace.notes)


def test_a_group_shares_the_shortest_first_prompt() -> None:
    trace = read([{**step(1, size), "program_id": str(size), "group": "g"} for size in (100, 90)])
    assert [script.shared_tokens for script in trace.scripts] == [90, 90]


def test_lines_with_and_without_a_schema_are_read_and_newer_ones_are_refused() -> None:
    assert profile.SCHEMA == SCHEMA
    assert read([step(1, 100, schema=1), step(2, 130)]).turns == 2
    problem = "line 2 has schema 2 of step profiles, and the newest that is known here is 1: update thunderagent"
    with pytest.raises(TraceImportError, match=problem):
        read([step(1, 100), step(2, 130, schema=2)])
    assert read([step(1, 100), step(2, 130, schema="new")]).broken_lines == 1
