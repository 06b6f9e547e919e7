"""Mooncake's traces, and what load generators made of them: one request per line, its blocks named by ``hash_ids``.

Requests belong together by ``session_id``. Where there is none, a request goes on from an earlier one whose blocks it begins with
and whose answer it has room for. In sessions, ``input_length`` is of the whole prompt (as in Dynamo's replay) or of what is new
in it (as in aiperf): the format's name or the data tell. Times are in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from thunderagent.simulation.traces import text
from thunderagent.simulation.traces.chains import Chains
from thunderagent.simulation.traces.fields import BadRecord, Record, optional_seconds, optional_text, optional_tokens, tokens
from thunderagent.simulation.traces.log import ImportLog
from thunderagent.simulation.traces.recorded import ImportOptions, RecordedProgram, RecordedRequest
from thunderagent.simulation.traces.sessions import Sessions
from thunderagent.simulation.traces.sharing import Piece

EXPECTED = (
    "Mooncake's trace: timestamp (ms), input_length, output_length, hash_ids, or with session_id and delay (ms); "
    "text_input or messages in place of input_length"
)
DELTA_EXPECTED = "the same, with the input_length of only what is new in each turn of a session"
KNOWN_FIELDS = frozenset(
    [
        "timestamp",
        "delay",
        "input_length",
        "output_length",
        "hash_ids",
        "session_id",
        "text_input",
        "messages",
        "tools",
        "message_mode",
        "context_mode",
        "type",
    ]
)
MS = 0.001
"""Seconds in the unit of the format."""
SMALLEST_BLOCK_TOKENS, LARGEST_BLOCK_TOKENS = 16, 65_536
"""Of traces that are in use, and beyond."""
WHOLE_SHARE = 0.75
"""Of the turns that hold the prompt before: whole prompts all do, unless a context was cut; half of others do by chance."""


@dataclass(frozen=True, slots=True)
class _Line:
    where: str
    session_id: str
    request: RecordedRequest
    prompt: Sequence[Piece]
    delta: bool | None
    """Whether it says that its prompt is only what is new; None: it does not say."""


def accepts(fields: Mapping[str, Any]) -> bool:
    """Whether a record looks like a request."""
    return "input_length" in fields or ("output_length" in fields and ("text_input" in fields or "messages" in fields))


def read(records: Sequence[Record], options: ImportOptions, log: ImportLog) -> list[RecordedProgram]:
    """Programs in order of their first request; whether prompts are whole is told by the data."""
    return _read(records, options, log, delta=None)


def read_delta(records: Sequence[Record], options: ImportOptions, log: ImportLog) -> list[RecordedProgram]:
    """Programs in order of their first request; prompts are what is new in each turn."""
    return _read(records, options, log, delta=True)


def _read(records: Sequence[Record], options: ImportOptions, log: ImportLog, delta: bool | None) -> list[RecordedProgram]:
    block_tokens = options.block_tokens or _block_tokens(records)
    lines = list(log.parsed(records, lambda record: _line(record, block_tokens, options)))
    if all(line.request.arrived_s is not None for line in lines):
        lines.sort(key=lambda line: line.request.arrived_s or 0.0)
    delta = _is_delta(lines, log) if delta is None else delta
    chains, sessions = Chains(), Sessions()
    for line in lines:
        session_id = line.session_id or chains.continued(line.where, line.request, line.prompt)
        line.request.adds = delta if line.session_id else False
        sessions.add(session_id, line.request, line.prompt)
    if chains.links:
        log.count(f"{chains.links} requests are taken as later turns of a program, by their hash_ids; there is no session_id")
    return sessions.programs()


def _line(record: Record, block_tokens: int, options: ImportOptions) -> _Line:
    fields = record.fields
    prompt_tokens, prompt = _prompt(fields, block_tokens, options)
    request = RecordedRequest(
        prompt_tokens,
        optional_tokens(fields, "output_length"),
        arrived_s=optional_seconds(fields, "timestamp", MS),
        delay_s=optional_seconds(fields, "delay", MS),
    )
    mode = optional_text(fields, "context_mode", "message_mode")
    return _Line(record.where, optional_text(fields, "session_id"), request, prompt, mode.startswith("delta") if mode else None)


def _prompt(fields: Mapping[str, Any], block_tokens: int, options: ImportOptions) -> tuple[int, Sequence[Piece]]:
    if fields.get("messages") is not None:
        pieces = [text.piece(message, options) for message in text.messages(fields, "messages")]
        if fields.get("tools"):
            pieces.insert(0, text.piece({"role": "tools", "content": fields["tools"]}, options))
        return sum(piece.tokens for piece in pieces), pieces
    if fields.get("text_input") is not None:
        said = optional_text(fields, "text_input")
        return text.text_tokens(said, options) + text.MESSAGE_TOKENS, text.blocks(said, options)
    prompt_tokens = tokens(fields, "input_length")
    return prompt_tokens, [Piece(name, block_tokens) for name in _hash_ids(fields)[: prompt_tokens // block_tokens]]


def _hash_ids(fields: Mapping[str, Any]) -> list[int | str]:
    names = fields.get("hash_ids") or []
    if not isinstance(names, list) or not all(isinstance(name, int | str) for name in names):
        raise BadRecord("hash_ids is no list of numbers")
    return names


def _block_tokens(records: Iterable[Record]) -> int:
    """The smallest power of two with which all prompts have as many blocks as they name."""
    block_tokens = SMALLEST_BLOCK_TOKENS
    for record in records:
        names, length = record.fields.get("hash_ids"), record.fields.get("input_length")
        if isinstance(names, list) and names and isinstance(length, int | float) and length < LARGEST_BLOCK_TOKENS * len(names):
            while block_tokens * len(names) < length:
                block_tokens *= 2
    return block_tokens


def _is_delta(lines: Sequence[_Line], log: ImportLog) -> bool:
    """What is said in the lines; else whether many turns are too short to hold the prompt before."""
    said = [line.delta for line in lines if line.delta is not None]
    if said:
        return sum(said) * 2 > len(said)
    sessions: dict[str, list[_Line]] = {}
    for line in lines:
        if line.session_id:
            sessions.setdefault(line.session_id, []).append(line)
    whole = [_holds(line, before) for turns in sessions.values() for before, line in pairwise(turns)]
    delta = sum(whole) < WHOLE_SHARE * len(whole)
    if whole:
        reading = (
            "only what is new in a turn" if delta else "the whole prompt of a turn (format mooncake-delta: only what is new)"
        )
        log.count(f"input_length is read as {reading}")
    return delta


def _holds(line: _Line, before: _Line) -> bool:
    if line.prompt and before.prompt:
        return line.prompt[0].key == before.prompt[0].key
    return line.request.prompt_tokens >= before.request.prompt_tokens
