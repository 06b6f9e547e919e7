"""Readers of streamed answers. Bytes pass through; the last few kilobytes are kept, and read only when they are asked about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from thunderagent.adapters.gateway.answer import Answered, Asked
from thunderagent.adapters.gateway.counts import of_one_context
from thunderagent.adapters.gateway.events import END_OF_EVENT, data_of, last_objects, objects
from thunderagent.adapters.gateway.raw_json import UNREADABLE
from thunderagent.core import Usage

KEPT_BYTES = 16 << 10
"""Of a stream's end: several events, and the rest of the largest one after its counts."""
LOOKED_AT_BYTES = 3 * KEPT_BYTES
"""So much is collected before all but the last ``KEPT_BYTES`` of it are searched for a tool's name and let go."""
LAST_CHUNKS = 4
"""The last event may come in pieces, and be followed by an empty line of its own."""
HELD_BYTES = 1 << 20
"""An event that is longer is passed on although it has not ended."""

_COUNTS = b'"completion_tokens"'
"""In every usage that is told, and in no ``"usage":null``, which some engines write into each event."""


@dataclass(frozen=True)
class EventShape:
    """Where an API's events have what the scheduler needs: as an object that is the value of a key."""

    usage: Callable[[dict[str, Any]], Usage | None]
    usage_key: bytes = b'"usage"'
    starts_with_usage: bool = False
    """The first event tells some counts and the last one the others."""
    last: tuple[bytes, ...] = (b"data: [DONE]",)
    """What stands in an answer's last event and in no other."""
    tool_key: bytes | None = None
    tool_type: str | None = None
    """Only an object of this ``type`` is a call of a tool; null: all are."""
    more: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Further fields of ``Answered``, from the object that has the usage."""


class PassingReader:
    """Passes everything on as it is."""

    def __init__(self, shape: EventShape, asked: Asked) -> None:
        self._shape = shape
        self._asked = asked
        self._recent: list[bytes] = []
        self._recent_bytes = 0
        self._first_counts: dict[str, Any] | None = None
        self._tool = ""

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes and give them back."""
        self._recent.append(chunk)
        self._recent_bytes += len(chunk)
        if self._recent_bytes > LOOKED_AT_BYTES:
            self._look()
        return chunk

    def end(self) -> bytes:
        """Nothing was held back."""
        return b""

    @property
    def complete(self) -> bool:
        """Whether the answer's last event has come: whoever leaves now has read all of it."""
        end = b"".join(self._recent[-LAST_CHUNKS:])[-KEPT_BYTES:]
        return any(mark in end for mark in self._shape.last)

    @property
    def answered(self) -> Answered:
        """Usage and tool, as far as they were told; it takes some ten microseconds to find them."""
        usage, told = self._usage(self._look())
        more = {} if self._shape.more is None else self._shape.more(told)
        return Answered(of_one_context(usage, self._asked), self._tool, **more)

    def _look(self) -> bytes:
        text = b"".join(self._recent)
        shape = self._shape
        if shape.tool_key is not None and not self._tool:
            self._tool = next(filter(None, map(self._name, objects(text, shape.tool_key))), "")
        if shape.starts_with_usage and self._first_counts is None:
            self._first_counts = next(objects(text, shape.usage_key), None)
        if len(text) > KEPT_BYTES:
            text = text[-KEPT_BYTES:]
        self._recent = [text]
        self._recent_bytes = len(text)
        return text

    def _usage(self, text: bytes) -> tuple[Usage | None, dict[str, Any]]:
        """The last that was told, and the object that told it."""
        known = self._first_counts or {}
        for told in last_objects(text, self._shape.usage_key):
            usage = self._shape.usage(known | {key: value for key, value in told.items() if value is not None})
            if usage is not None:
                return usage, told
        return self._shape.usage(known), known

    def _name(self, call: dict[str, Any]) -> str:
        name = call.get("name")
        return name if isinstance(name, str) and self._shape.tool_type in (None, call.get("type")) else ""


class _UsageEvent(msgspec.Struct):
    """The event that ``stream_options`` asks for: a usage, and no choice."""

    choices: list[msgspec.Raw]
    usage: dict[str, msgspec.Raw]


_USAGE_EVENT: msgspec.json.Decoder[_UsageEvent] = msgspec.json.Decoder(_UsageEvent)


class HidingReader(PassingReader):
    """Takes out the usage event, which the gateway has asked for and the client has not. Events are passed on whole."""

    def __init__(self, shape: EventShape, asked: Asked) -> None:
        super().__init__(shape, asked)
        self._open = bytearray()
        """The event that has not ended."""
        self._passed: bool | None = None
        """Whether the last event was passed on, where a line feed that comes next still belongs to it; else None."""

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; give the events that they end, or the chunk itself if that is the same."""
        self._recent.append(chunk)  # as PassingReader does; a call of it would cost as much as all of this
        self._recent_bytes += len(chunk)
        if self._recent_bytes > LOOKED_AT_BYTES:
            self._look()
        if self._open or self._passed is not None or chunk[-2:] != b"\n\n" or _COUNTS in chunk:
            return self._whole_events(chunk)
        return chunk

    def end(self) -> bytes:
        """The event that has not ended, unless it is the usage."""
        rest, self._open = bytes(self._open), bytearray()
        return _empty_lines_before(rest) if _is_usage(rest) else rest

    def _whole_events(self, chunk: bytes) -> bytes:
        passed: list[bytes] = []
        rest = self._after_carriage_return(chunk, passed)
        old, text = len(self._open), self._open
        text += rest
        start = 0
        ended = END_OF_EVENT.search(text, max(0, old - 1))
        while ended is not None:
            event = bytes(text[start : ended.end()])
            is_passed = not _is_usage(event)
            passed.append(event if is_passed else _empty_lines_before(event))
            start = ended.end()
            self._passed = is_passed if start == len(text) and event.endswith(b"\r") else None
            ended = END_OF_EVENT.search(text, start)
        del text[:start]
        if len(text) > HELD_BYTES:
            passed.append(bytes(text))
            text.clear()
        given = b"".join(passed)
        return chunk if given == chunk else given

    def _after_carriage_return(self, chunk: bytes, passed: list[bytes]) -> bytes:
        """The chunk without a line feed that belongs to the event before."""
        was_passed = self._passed
        if was_passed is None or not chunk:
            return chunk
        self._passed = None
        if not chunk.startswith(b"\n"):
            return chunk
        if was_passed:
            passed.append(b"\n")
        return chunk[1:]


def _is_usage(event: bytes) -> bool:
    if _COUNTS not in event:
        return False
    try:
        return not _USAGE_EVENT.decode(data_of(event)).choices
    except UNREADABLE:
        return False


def _empty_lines_before(event: bytes) -> bytes:
    """They are no part of an event; where they came apart from it, they are gone already."""
    return event[: len(event) - len(event.lstrip(b"\r\n"))]
