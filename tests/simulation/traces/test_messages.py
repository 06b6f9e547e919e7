"""Finished trajectories: a turn for every answer of the assistant."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.traces.support import read, sizes

SYSTEM = {"role": "system", "content": "s" * 400}
TASK = {"role": "user", "content": "t" * 360}


def call(name: str) -> dict[str, Any]:
    function = {"name": name, "arguments": "a" * (40 - len(name))}
    return {"role": "assistant", "content": None, "tool_calls": [{"id": "x", "type": "function", "function": function}]}


TRAJECTORY = [SYSTEM, TASK, call("bash"), {"role": "tool", "tool_call_id": "x", "content": "r" * 80}, call("submit")]


def test_a_trajectory_is_a_program_with_its_tools_by_name() -> None:
    trace = read([{"id": "one", "messages": TRAJECTORY}], characters_per_token=4.0)

    [script] = trace.scripts
    assert script.program_id == "one"
    assert [(turn.new_tokens, turn.output_tokens, turn.tool) for turn in script.turns] == [(198, 14, "bash"), (24, 14, "")]
    assert any("estimated from text, 4 characters per token" in note for note in trace.notes)


def test_tool_times_are_drawn_and_this_is_told() -> None:
    trace = read([{"messages": TRAJECTORY}] * 50)

    times_s = {script.turns[0].tool_s for script in trace.scripts}
    assert len(times_s) == 50
    assert any(note.startswith("50 tool times are not in the trace and drawn: median 1.5 s") for note in trace.notes)


@pytest.mark.parametrize(
    "answer",
    [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "x", "name": "bash", "input": {}}]},
        {"role": "assistant", "function_call": {"name": "bash", "arguments": ""}},
    ],
)
def test_other_shapes_of_tool_calls_are_understood(answer: dict[str, Any]) -> None:
    assert read([{"messages": [TASK, answer, TASK, answer]}]).scripts[0].turns[0].tool == "bash"


def test_definitions_of_tools_are_a_part_of_the_prompt() -> None:
    tools = [{"type": "function", "function": {"name": "bash", "description": "d" * 400}}]
    messages = [TASK, call("bash")]
    with_tools, without = read([{"messages": messages, "tools": tools}, {"messages": messages}]).scripts
    assert with_tools.turns[0].new_tokens > without.turns[0].new_tokens + 100


def test_notes_that_an_agent_keeps_in_its_messages_are_not_sent() -> None:
    noted = [{**message, "extra": {"response": "x" * 10_000}} for message in TRAJECTORY]
    assert sizes(read([{"messages": noted}]).scripts[0]) == sizes(read([{"messages": TRAJECTORY}]).scripts[0])


def test_conversations_of_sharegpt_are_read() -> None:
    said = [{"from": "human", "value": "x" * 40}, {"from": "gpt", "value": "y" * 80}] * 2
    trace = read([{"id": "c_0", "conversations": said}])
    assert (trace.format, sizes(trace.scripts[0])) == ("messages", [(14, 24), (52, 24)])


def test_a_greeting_of_the_assistant_is_a_part_of_the_first_prompt() -> None:
    greeting = {"role": "assistant", "content": "x" * 40}
    assert sizes(read([{"messages": [greeting, TASK, greeting]}]).scripts[0]) == [(108, 14)]


def test_samples_of_one_prompt_share_it_and_others_the_system_prompt() -> None:
    other = [SYSTEM, {"role": "user", "content": "another task"}, call("bash")]
    lines = [{"messages": messages} for messages in (TRAJECTORY, TRAJECTORY[:3], other)]
    assert [script.shared_tokens for script in read(lines).scripts] == [198, 198, 104]


def test_a_trajectory_without_an_answer_is_left_out() -> None:
    trace = read([{"messages": TRAJECTORY}, {"messages": [SYSTEM, TASK]}, {"messages": []}])
    assert (len(trace.scripts), trace.dropped_programs) == (1, 2)


def test_an_entry_without_a_role_breaks_its_line() -> None:
    trace = read([{"messages": TRAJECTORY}, {"messages": [{"content": "x"}]}])
    assert "line 2: messages has an entry without a role" in trace.notes[0]
