"""Finished trajectories as lists of messages: OpenAI's ``messages``, or ShareGPT's ``conversations``.

Each message of the assistant ends a turn. There are no times and no token counts in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from thunderagent.simulation.traces import text
from thunderagent.simulation.traces.fields import Record, optional_text
from thunderagent.simulation.traces.log import ImportLog
from thunderagent.simulation.traces.recorded import ImportOptions, RecordedProgram, RecordedRequest
from thunderagent.simulation.traces.sharing import Piece, group_by_start

EXPECTED = "finished trajectories: messages (role, content, tool_calls), or ShareGPT's conversations (from, value)"
ID_FIELDS = ("id", "session_id", "trajectory_id", "instance_id")
KNOWN_FIELDS = frozenset({*ID_FIELDS, "messages", "conversations", "tools"})


def accepts(fields: Mapping[str, Any]) -> bool:
    """Whether a record looks like a trajectory."""
    return isinstance(fields.get("messages", fields.get("conversations")), list)


def read(records: Iterable[Record], options: ImportOptions, log: ImportLog) -> list[RecordedProgram]:
    """One program for each line."""
    parsed = list(log.parsed(records, lambda record: _program(record, options)))
    if parsed:
        log.count(f"token counts are estimated from text, {options.characters_per_token:g} characters per token")
    programs = [program for program, _ in parsed]
    group_by_start(programs, [start for _, start in parsed])
    return programs


def _program(record: Record, options: ImportOptions) -> tuple[RecordedProgram, list[Piece]]:
    fields = record.fields
    program = RecordedProgram(optional_text(fields, *ID_FIELDS) or record.where)
    tools = fields.get("tools")
    pieces = [text.piece({"role": "tools", "content": tools}, options)] if tools else []
    start: list[Piece] = []
    for message in text.messages(fields, "messages" if "messages" in fields else "conversations"):
        piece = text.piece(message, options)
        if message["role"] == "assistant" and pieces:  # one that comes first is a part of the prompt
            start = start or list(pieces)
            prompt_tokens = sum(part.tokens for part in pieces)
            program.requests.append(RecordedRequest(prompt_tokens, piece.tokens, tool=text.called_tool(message)))
        pieces.append(piece)
    return program, start
