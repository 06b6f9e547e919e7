"""Detection of the format, what is said of damage, and that nothing in a file raises anything but a clear error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.traces.support import read
from thunderagent.errors import TraceImportError
from thunderagent.simulation.traces import FORMATS, read_trace

STEP = {"program_id": "p", "step_id": 1, "prompt_tokens": 10, "completion_tokens": 2, "arrived_at": 5.0}
ANSWERED = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]
SAMPLES: dict[str, dict[str, Any]] = {
    "profile": STEP,
    "bailian": {"chat_id": 1, "parent_chat_id": -1, "timestamp": 0.5, "input_length": 20, "output_length": 2, "hash_ids": [7]},
    "mooncake": {"timestamp": 500, "input_length": 20, "output_length": 2, "hash_ids": [7]},
    "multi-turn": {"session_id": "s", "turns": [{"text": "hello"}]},
    "messages": {"messages": ANSWERED},
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_first_records_tell_the_format(name: str) -> None:
    assert read([SAMPLES[name]]).format == name


def test_messages_with_the_length_of_an_answer_are_a_request_not_a_finished_trajectory() -> None:
    assert read([{"session_id": "s", "messages": ANSWERED[:1], "output_length": 5}]).format == "mooncake"


def test_a_given_format_is_taken_whatever_the_first_lines_look_like() -> None:
    assert read([SAMPLES["messages"], STEP], "profile").turns == 1


def test_an_unknown_format_is_answered_with_the_known_ones() -> None:
    with pytest.raises(TraceImportError, match=r"format 'csv' is not known; it must be one of profile, bailian, mooncake"):
        read([STEP], "csv")


@pytest.mark.parametrize("lines", [[], ["", "\n"], ["program_id,step_id\n"], ["{}"], ["[1, 2]"], ['{"messages": 3}']])
def test_a_file_with_nothing_usable_says_what_was_read_and_what_every_known_format_looks_like(lines: list[str]) -> None:
    with pytest.raises(TraceImportError) as caught:
        read_trace(lines)
    assert f"{len(lines)} lines were read" in str(caught.value)
    assert all(f"{name}: " in str(caught.value) for name in FORMATS)


def test_a_file_whose_lines_are_all_broken_says_why_of_the_first() -> None:
    with pytest.raises(TraceImportError, match=r"line 1: prompt_tokens is no count of tokens.*Expected is profile: "):
        read([{**STEP, "prompt_tokens": -1}])


def test_broken_lines_are_counted_and_the_first_are_listed_with_their_numbers() -> None:
    lines = [json.dumps(STEP), "", "{", "[]", json.dumps({**STEP, "step_id": "x"}), *["nonsense"] * 5]
    trace = read_trace(lines)

    assert (trace.lines, trace.empty_lines, trace.broken_lines, trace.turns) == (10, 1, 8, 1)
    note = trace.notes[0]
    assert note.startswith("8 of 10 lines could not be used: line 3: no JSON (")
    assert "line 4: no JSON object" in note
    assert note.endswith("; and 3 more")
    assert "1 empty line" in trace.notes


def test_what_is_wrong_in_a_record_is_named() -> None:
    [note] = read([STEP, {**STEP, "step_id": True}, {"program_id": "p"}, {**STEP, "tool_call_s": -1}]).notes
    assert "line 2: step_id is no count of tokens" in note
    assert "line 3: prompt_tokens is missing" in note
    assert "line 4: tool_call_s is no time" in note


def test_unknown_fields_are_ignored_and_named_once() -> None:
    trace = read([{**STEP, "note": "x"}, {**STEP, "program_id": "q", "note": "y", "\ud800": 1}])
    assert trace.notes == ("fields that are not read: 'note', '\\ud800'",)


def test_programs_come_in_order_of_their_arrival_and_the_first_one_arrives_at_zero() -> None:
    trace = read([{**STEP, "program_id": "late", "arrived_at": 9.0}, STEP, {**STEP, "program_id": "same"}])

    assert [script.program_id for script in trace.scripts] == ["p", "same", "late"]
    assert trace.arrivals_s == (0.0, 0.0, 4.0)
    assert trace.has_arrivals


def test_a_trace_without_arrivals_says_that_it_can_be_replayed_in_closed_loop_only() -> None:
    trace = read([SAMPLES["messages"], SAMPLES["messages"]])

    assert not trace.has_arrivals
    assert trace.arrivals_s == (0.0, 0.0)
    assert any("only be replayed with a number of programs at once" in note for note in trace.notes)


def test_a_program_without_a_usable_turn_is_left_out_and_told() -> None:
    trace = read([STEP, {**STEP, "program_id": "q", "outcome": "failed"}])

    assert [script.program_id for script in trace.scripts] == ["p"]
    assert trace.dropped_programs == 1
    assert "1 program has no usable turn and is left out" in trace.notes


def test_ids_that_come_again_are_made_unique() -> None:
    ids = ["a", "a", "a#2", "a"]
    trace = read([{**SAMPLES["messages"], "id": name} for name in ids])
    assert [script.program_id for script in trace.scripts] == ["a", "a#3", "a#2", "a#4"]


def test_one_json_array_over_many_lines_is_read_as_its_entries() -> None:
    lines = json.dumps([{"id": "a", "messages": ANSWERED}, 5], indent=2).splitlines(keepends=True)
    trace = read_trace(lines)

    assert [script.program_id for script in trace.scripts] == ["a"]
    assert "entry 2: no JSON object" in trace.notes[0]


def test_the_same_lines_make_the_same_scripts() -> None:
    records = [{"messages": ANSWERED * 3}, {"messages": ANSWERED * 2}]
    assert read(records) == read(records)


def test_what_is_drawn_for_a_program_does_not_depend_on_the_others() -> None:
    drawn = {"messages": ANSWERED * 3}
    assert read([drawn, {"messages": ANSWERED}]).scripts[0].turns == read([drawn, drawn]).scripts[0].turns


def test_json_without_bounds_is_a_broken_line() -> None:
    lines = ["[" * 100_000, '{"a": ' + "9" * 10_000 + "}", json.dumps(STEP)]
    assert read_trace(lines).broken_lines == 2


def test_nesting_that_can_just_be_read_but_not_be_worked_with_breaks_its_line() -> None:
    good = json.dumps(SAMPLES["messages"])
    for depth in range(850, 1000):
        nested = json.dumps({**SAMPLES["messages"], "tools": "DEEP"}).replace('"DEEP"', "[" * depth + "]" * depth)
        trace = read_trace([good, nested])
        assert len(trace.scripts) + trace.broken_lines == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400) | st.just("assistant"),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "text"]), children),
    max_leaves=6,
)
NAMES = sorted({name for known in FORMATS.values() for name in known.known_fields})


@st.composite
def damaged_records(draw: st.DrawFn) -> dict[str, Any]:
    record = dict(draw(st.sampled_from(list(SAMPLES.values()))))
    record.update(draw(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), JSON, max_size=3)))
    return record


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text() | JSON.map(json.dumps) | damaged_records().map(json.dumps), max_size=8),
    st.none() | st.sampled_from(list(FORMATS)),
)
def test_whatever_is_in_a_file_becomes_scripts_that_can_run_or_one_clear_error(lines: list[str], format: str | None) -> None:
    try:
        trace = read_trace(lines, format)
    except TraceImportError as error:
        assert "lines were read" in str(error)
        return
    assert trace.lines == len(lines)
    assert len({script.program_id for script in trace.scripts}) == len(trace.scripts) == len(trace.arrivals_s)
    assert list(trace.arrivals_s) == sorted(trace.arrivals_s)
    assert all(note.isprintable() for note in trace.notes)
    for script in trace.scripts:
        context = 0
        for turn, end in zip(script.turns, script.contexts(), strict=True):
            assert turn.prompt_tokens(context) >= 1
            assert turn.new_tokens >= 0 <= turn.tool_s
            assert turn.output_tokens >= 1
            assert turn.kept_tokens is None or 0 <= turn.kept_tokens <= context
            context = end
        assert [bool(turn.tool) for turn in script.turns] == [True] * (len(script.turns) - 1) + [False]
        assert 0 <= script.shared_tokens <= script.turns[0].new_tokens
