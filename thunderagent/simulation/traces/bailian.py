"""Alibaba's Bailian traces (qwen-bailian-usagetraces-anon): as Mooncake's, but chats name their parents; times are in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from thunderagent.simulation.traces import mooncake
from thunderagent.simulation.traces.fields import Record, optional_seconds, optional_text
from thunderagent.simulation.traces.log import ImportLog
from thunderagent.simulation.traces.recorded import ImportOptions, RecordedProgram

EXPECTED = "Bailian's trace: chat_id, parent_chat_id, timestamp (s), input_length, output_length, hash_ids"
KNOWN_FIELDS = frozenset(["chat_id", "parent_chat_id", "timestamp", "input_length", "output_length", "type", "turn", "hash_ids"])


def accepts(fields: Mapping[str, Any]) -> bool:
    """Whether a record looks like a request of a chat."""
    return {"chat_id", "parent_chat_id", "input_length"} <= fields.keys()


def read(records: Sequence[Record], options: ImportOptions, log: ImportLog) -> list[RecordedProgram]:
    """Programs in order of their first request."""
    roots: dict[str, str] = {}

    def as_mooncake(record: Record) -> Record:
        chat, parent = optional_text(record.fields, "chat_id"), optional_text(record.fields, "parent_chat_id")
        roots[chat] = roots.get(parent, chat)
        arrived_s = optional_seconds(record.fields, "timestamp")
        timestamp = None if arrived_s is None else arrived_s / mooncake.MS
        lengths = {name: record.fields.get(name) for name in ("input_length", "output_length", "hash_ids")}
        whole = {"context_mode": "message_array_with_responses"}
        return Record(record.where, {**lengths, **whole, "timestamp": timestamp, "session_id": roots[chat]})

    return mooncake.read(list(log.parsed(records, as_mooncake)), options, log)
