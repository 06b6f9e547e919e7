"""Requests by length and hashes of blocks, in sessions or not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.traces.support import kept, read, sizes


def request(input_length: int, output_length: int = 10, **fields: Any) -> dict[str, Any]:
    return {"input_length": input_length, "output_length": output_length, **fields}


def test_requests_of_one_session_are_turns_of_one_program() -> None:
    trace = read(
        [
            request(600, timestamp=1000, session_id="a", hash_ids=[1, 2]),
            request(300, timestamp=1500, session_id="b", hash_ids=[9]),
            request(1100, session_id="a", hash_ids=[1, 3, 4], delay=2500),
        ],
        block_tokens=512,
    )

    assert [(script.program_id, sizes(script)) for script in trace.scripts] == [
        ("a", [(600, 10), (1100, 10)]),
        ("b", [(300, 10)]),
    ]
    assert trace.arrivals_s == (0.0, 0.5)
    assert trace.scripts[0].turns[0].tool_s == 2.5
    assert kept(trace.scripts[0]) == [None, None]


def test_between_arrivals_the_answer_takes_its_time() -> None:
    trace = read([request(600, 100, timestamp=0, session_id="a"), request(900, timestamp=5000, session_id="a")], token_s=0.01)

    assert trace.scripts[0].turns[0].tool_s == pytest.approx(4.0)
    assert any("less 0.01 s per token" in note for note in trace.notes)


def test_the_order_is_that_of_the_timestamps() -> None:
    trace = read([request(900, timestamp=5000, session_id="a"), request(600, timestamp=0, session_id="a")])
    assert sizes(trace.scripts[0]) == [(600, 10), (900, 10)]


def test_blocks_that_do_not_come_again_are_not_kept() -> None:
    before = request(2048, session_id="a", hash_ids=[1, 2, 3, 4])
    trace = read([before, request(4096, session_id="a", hash_ids=[1, 2, 5, 6, 7, 8, 9, 10])])
    assert kept(trace.scripts[0]) == [None, 1024]


def test_a_shorter_prompt_of_the_same_blocks_is_a_context_that_was_cut() -> None:
    trace = read([request(2048, session_id="a", hash_ids=[1, 2, 3, 4]), request(1024, session_id="a", hash_ids=[1, 2])])
    assert kept(trace.scripts[0]) == [None, 1024]


def test_the_size_of_a_block_is_found_from_the_trace_and_can_be_given() -> None:
    records = [request(100, session_id="a", hash_ids=[1, 2]), request(100, session_id="a", hash_ids=[1, 3])]
    assert kept(read(records).scripts[0]) == [None, 100]  # 64: only the first block is full
    assert kept(read(records, block_tokens=50).scripts[0]) == [None, 50]


def test_turns_too_short_for_the_context_before_are_what_is_new() -> None:
    trace = read([request(600, session_id="a"), request(50, session_id="a"), request(70, session_id="a")])

    assert sizes(trace.scripts[0]) == [(600, 10), (660, 10), (740, 10)]
    assert "input_length is read as only what is new in a turn" in trace.notes


def test_the_format_can_say_that_prompts_are_what_is_new() -> None:
    records = [request(600, session_id="a"), request(700, session_id="a")]
    assert sizes(read(records).scripts[0])[1] == (700, 10)
    assert sizes(read(records, "mooncake-delta").scripts[0])[1] == (1310, 10)


def test_the_lines_can_say_what_their_prompts_are() -> None:
    whole = "message_array_with_responses"
    records = [request(600, session_id="a", context_mode=whole), request(50, session_id="a", context_mode=whole)]
    assert sizes(read(records).scripts[0])[1] == (50, 10)


def test_without_sessions_a_request_goes_on_from_the_one_whose_blocks_it_begins_with() -> None:
    trace = read(
        [
            request(1024, timestamp=0, hash_ids=[1, 2]),
            request(1024, timestamp=1, hash_ids=[1, 3]),
            request(2000, timestamp=60_000, hash_ids=[1, 3, 4, 5]),
            request(1536, timestamp=70_000, hash_ids=[1, 2, 6]),
            request(2048, timestamp=80_000, hash_ids=[1, 3, 4, 7]),
        ]
    )

    assert [sizes(script) for script in trace.scripts] == [
        [(1024, 10), (1536, 10)],
        [(1024, 10), (2000, 10), (2048, 10)],
    ]
    assert any(note.startswith("3 requests are taken as later turns") for note in trace.notes)


def test_a_request_without_room_for_the_answer_goes_on_from_nobody() -> None:
    trace = read([request(1024, 600, hash_ids=[1, 2]), request(1536, hash_ids=[1, 2, 3])])
    assert len(trace.scripts) == 2


def test_a_common_system_prompt_makes_no_program() -> None:
    trace = read([request(700, hash_ids=[1, 2]), request(600, hash_ids=[1, 3]), request(2000, hash_ids=[1, 4, 5, 6])])

    assert [len(script.turns) for script in trace.scripts] == [2, 1]  # only who had it first can be gone on from
    assert {script.shared_tokens for script in trace.scripts} == {512}


def test_programs_share_the_longest_start_that_they_have_in_common_with_another() -> None:
    blocks = [[1, 2, 3], [1, 2, 4], [1, 5, 6], [7, 8, 9]]
    trace = read([request(1536, session_id=str(ids), hash_ids=ids) for ids in blocks])

    assert [script.shared_tokens for script in trace.scripts] == [1024, 1024, 512, 0]
    groups = [script.group for script in trace.scripts]
    assert groups[0] == groups[1] != groups[2]
    assert groups[3] == ""


def test_prompts_as_text_and_as_messages_are_estimated() -> None:
    trace = read([{"text_input": "x" * 400, "output_length": 5}], characters_per_token=4.0)
    assert sizes(trace.scripts[0]) == [(104, 5)]

    hello = {"role": "user", "content": "x" * 40}
    answer = {"role": "assistant", "content": "y" * 40}
    history = [{"session_id": "s", "messages": messages, "output_length": 14} for messages in ([hello], [hello, answer, hello])]
    assert sizes(read(history).scripts[0]) == [(14, 14), (42, 14)]

    deltas = [{**history[0], "message_mode": "delta"}] * 2
    assert sizes(read(deltas).scripts[0]) == [(14, 14), (42, 14)]


def test_an_answer_whose_length_is_not_told_is_drawn() -> None:
    trace = read([{"input_length": 100, "hash_ids": [1]}])

    assert trace.scripts[0].turns[0].output_tokens >= 1
    assert any("answer is not in the trace" in note for note in trace.notes)


def test_hash_ids_that_are_no_list_break_their_line() -> None:
    trace = read([request(100), request(100, hash_ids=3), request(100, hash_ids=[[1]])])
    assert "line 2: hash_ids is no list" in trace.notes[0]
    assert trace.broken_lines == 2
