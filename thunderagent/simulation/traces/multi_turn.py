"""aiperf's custom datasets: ``multi_turn`` (a session's turns in one line) and ``single_turn`` (a turn per line).

The turns of ``multi_turn`` are what the user says; the answers between them come from the engine. A line of ``single_turn`` is a
whole prompt, also where lines belong to one session. Times are in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from thunderagent.simulation.traces import text
from thunderagent.simulation.traces.fields import BadRecord, Record, objects, optional_seconds, optional_text, optional_tokens
from thunderagent.simulation.traces.log import ImportLog
from thunderagent.simulation.traces.recorded import ImportOptions, RecordedProgram, RecordedRequest
from thunderagent.simulation.traces.sessions import Sessions
from thunderagent.simulation.traces.sharing import Piece

EXPECTED = "aiperf's multi_turn or single_turn: session_id, turns (text, delay in ms, output_length), or one turn per line"
KNOWN_FIELDS = frozenset(
    [
        "session_id",
        "turns",
        "text",
        "texts",
        "image",
        "images",
        "audio",
        "audios",
        "video",
        "videos",
        "timestamp",
        "delay",
        "role",
        "output_length",
        "type",
    ]
)
MS = 0.001
"""Seconds in the unit of the format."""

_Turn = tuple[RecordedRequest, list[Piece]]


def accepts(fields: Mapping[str, Any]) -> bool:
    """Whether a record looks like a session or a turn."""
    return isinstance(fields.get("turns"), list) or "text" in fields or "texts" in fields


def read(records: Iterable[Record], options: ImportOptions, log: ImportLog) -> list[RecordedProgram]:
    """Programs in order of their first line."""
    sessions = Sessions()
    for session_id, turns in log.parsed(records, lambda record: _turns(record, options)):
        for request, prompt in turns:
            sessions.add(session_id, request, prompt)
    log.count(f"token counts of prompts are estimated from text, {options.characters_per_token:g} characters per token")
    return sessions.programs()


def _turns(record: Record, options: ImportOptions) -> tuple[str, list[_Turn]]:
    session_id = optional_text(record.fields, "session_id") or record.where
    if "turns" not in record.fields:
        return session_id, [_turn(record.fields, options, adds=False)]
    entries = objects(record.fields, "turns")
    if not entries:
        raise BadRecord("turns is empty")
    turns = [_turn(entry, options, adds=True) for entry in entries]
    if entries[0].get("role") == "system" and len(turns) > 1:  # no turn of its own: it goes before the first
        (system, system_prompt), (first, prompt) = turns[:2]
        first.prompt_tokens += system.prompt_tokens
        turns[:2] = [(first, system_prompt + prompt)]
    return session_id, turns


def _turn(fields: Mapping[str, Any], options: ImportOptions, *, adds: bool) -> _Turn:
    said = "\n".join(_texts(fields.get("text"), fields.get("texts")))
    images = [{"type": "image"} for image in (fields.get("image"), *_list(fields.get("images"))) if image is not None]
    request = RecordedRequest(
        text.text_tokens([said, *images], options) + text.MESSAGE_TOKENS,
        optional_tokens(fields, "output_length"),
        adds=adds,
        arrived_s=optional_seconds(fields, "timestamp", MS),
        delay_s=optional_seconds(fields, "delay", MS),
    )
    return request, text.blocks(said, options)


def _texts(*values: Any) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from _texts(*value)
        elif isinstance(value, dict):
            yield from _texts(value.get("contents"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
