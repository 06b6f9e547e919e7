"""Chats that name their parents, with times in seconds."""

from __future__ import annotations

from typing import Any

from tests.simulation.traces.support import kept, read, sizes


def chat(number: int, parent: int, timestamp: float, input_length: int, hash_ids: list[int]) -> dict[str, Any]:
    lengths = {"input_length": input_length, "output_length": 8, "hash_ids": hash_ids}
    return {"chat_id": number, "parent_chat_id": parent, "timestamp": timestamp, "type": "text", "turn": 1, **lengths}


def test_a_chat_belongs_to_the_program_of_its_parent() -> None:
    trace = read(
        [
            chat(1, -1, 61.5, 32, [1, 2]),
            chat(2, -1, 62.0, 16, [9]),
            chat(5, 1, 71.5, 64, [1, 2, 3, 4]),
            chat(6, 5, 80.0, 30, [1, 7]),
        ],
        token_s=0.0,
    )

    assert trace.format == "bailian"
    assert [sizes(script) for script in trace.scripts] == [[(32, 8), (64, 8), (30, 8)], [(16, 8)]]
    assert kept(trace.scripts[0]) == [None, None, 16]
    assert trace.arrivals_s == (0.0, 0.5)
    assert trace.scripts[0].turns[0].tool_s == 10.0
