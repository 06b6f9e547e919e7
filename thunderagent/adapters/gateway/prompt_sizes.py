"""How much text a prompt has, read off its JSON.

A character is a byte of JSON text here, escapes and quotes included: no string is decoded for it. The estimator of the core
learns how many of them make a token, so only the proportion matters. Media are not text, however long their base64 is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from thunderagent.adapters.gateway.answer import NO_PROMPT
from thunderagent.adapters.gateway.raw_json import (
    NOTHING,
    UNREADABLE,
    first_of_list,
    items,
    length_of_flat_list,
    lists_of,
)
from thunderagent.core import PromptSize
from thunderagent.core.prompt_text import IMAGE_TYPES, MEDIA_TYPES

MAX_DEPTH = 4
"""Lists of parts inside of parts: a tool's result in a message is one. Each level is read once more, so there is a bound."""


class Prompt(NamedTuple):
    """What a request gives to be answered, as ``Asked`` has it."""

    size: PromptSize = NO_PROMPT
    tokens: int | None = None
    """Of the longest prompt, where they are given as token ids."""
    prompts: int = 1
    answers: int = 1
    """To each prompt."""


class Part(msgspec.Struct, gc=False):
    """A part of a message: text, reasoning, a call of a tool, its result. Media have what they are sent as elsewhere."""

    type: str = ""
    text: msgspec.Raw = NOTHING
    thinking: msgspec.Raw = NOTHING
    input: msgspec.Raw = NOTHING
    content: msgspec.Raw = NOTHING


_PARTS: msgspec.json.Decoder[list[Part]] = msgspec.json.Decoder(list[Part])


def size_of(contents: Sequence[msgspec.Raw], depth: int = MAX_DEPTH) -> tuple[int, int]:
    """Characters and images of what messages contain: strings, lists of parts, or anything else, which counts as text."""
    characters, images = sum(map(len, contents)), 0
    for content in lists_of(contents):
        try:
            parts = _PARTS.decode(content)
        except UNREADABLE:
            continue
        text, seen = size_of_parts(parts, depth)
        characters += text - len(content)
        images += seen
    return characters, images


def size_of_parts(parts: Iterable[Part], depth: int = MAX_DEPTH) -> tuple[int, int]:
    """Characters and images of the parts of messages."""
    characters = images = 0
    contents = []
    for part in parts:
        if part.type in MEDIA_TYPES:
            images += part.type in IMAGE_TYPES
            continue
        characters += len(part.text) + len(part.thinking) + len(part.input)
        if part.content is not NOTHING:
            contents.append(part.content)
    if depth == 0:
        return characters + sum(map(len, contents)), images
    inner_characters, inner_images = size_of(contents, depth - 1)
    return characters + inner_characters, images + inner_images


def text_or_ids(prompt: msgspec.Raw) -> Prompt:
    """A prompt that is a string or token ids, or a list of either: then the longest one counts.

    The scheduler takes a request for one turn of one context; batches are rare, and each of their prompts is a context.
    """
    first = first_of_list(prompt)
    if first == b"":
        return Prompt(PromptSize(len(prompt), 0))
    if first not in (b'"', b"["):
        return Prompt(tokens=length_of_flat_list(prompt))
    prompts = items(prompt)
    if first == b"[":
        return Prompt(tokens=max(map(length_of_flat_list, prompts)), prompts=len(prompts))
    return Prompt(PromptSize(max(map(len, prompts)), 0), prompts=len(prompts))
