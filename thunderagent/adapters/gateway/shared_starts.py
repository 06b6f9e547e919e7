"""What a chat begins with and other programs may begin with too: the tools' definitions and the system prompt.

Engines store it once, however many programs run; by its hash the scheduler counts it once. It is read of a program's first turn
only, in a pass of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from thunderagent.adapters.gateway.raw_json import NOTHING, UNREADABLE

SYSTEM_ROLES = frozenset({"system", "developer"})
MIN_CHARACTERS = 500
"""Some hundred tokens: what is shorter is not worth an entry in the account."""
HASH_BYTES = 12


class SharedStart(NamedTuple):
    """One of them."""

    name: str = ""
    """Equal for equal ones; empty: there is none."""
    characters: int = 0
    """Of JSON text, as prompts are measured."""


NO_START = SharedStart()


class _Message(msgspec.Struct, gc=False):
    role: str = ""
    content: msgspec.Raw = NOTHING


class _Start(msgspec.Struct):
    """Of any of the APIs: each has what it has."""

    messages: list[_Message] = msgspec.field(default_factory=list)
    system: msgspec.Raw = NOTHING
    instructions: msgspec.Raw = NOTHING
    tools: msgspec.Raw = NOTHING


_DECODER: msgspec.json.Decoder[_Start] = msgspec.json.Decoder(_Start)


def shared_start(body: bytes) -> SharedStart:
    """Of a request in the shape of chat completions, messages or responses; of any other, none."""
    try:
        start = _DECODER.decode(body)
    except UNREADABLE:
        return NO_START
    return _named([start.tools, start.system, start.instructions, *_leading(start.messages)])


def _leading(messages: list[_Message]) -> Iterable[msgspec.Raw]:
    for message in messages:
        if message.role not in SYSTEM_ROLES:
            return
        yield message.content


def _named(parts: list[msgspec.Raw]) -> SharedStart:
    characters = sum(map(len, parts))
    if characters < MIN_CHARACTERS:
        return NO_START
    digest = hashlib.blake2b(digest_size=HASH_BYTES)
    for part in parts:
        digest.update(b"%d:" % len(part))  # so that what is at one place is not taken for the same text at another
        digest.update(part)
    return SharedStart(digest.hexdigest(), characters)
