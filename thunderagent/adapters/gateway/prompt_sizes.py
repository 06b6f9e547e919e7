"""How much text a prompt has, read off its JSON.

A character is a byte of JSON text here, escapes and quotes included: no string is decoded for it. The estimator of the core
learns how many of them make a token, so only the proportion matters. Media are not text, however long their base64 is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from thunderagent.adapters.gateway.answer import NO_PROMPT
from thunderagent.adapters.gateway.raw_json import (
    NOTHING,
    UNREADABLE,
    first_of_list,
    is_list,
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


class _Part(msgspec.Struct, gc=False):
    """A part of a message: text, an image, a call of a tool, its result."""

    type: str = ""
    content: msgspec.Raw = NOTHING


_PARTS: msgspec.json.Decoder[list[_Part]] = msgspec.json.Decoder(list[_Part])


def size_of(contents: Sequence[msgspec.Raw]) -> tuple[int, int]:
    """Characters and images of what messages contain: strings, lists of parts, or anything else, which counts as text."""
    characters, images = sum(map(len, contents)), 0
    for content in lists_of(contents):
        no_text, seen = _media_in(content, MAX_DEPTH)
        characters -= no_text
        images += seen
    return characters, images


def _media_in(parts: msgspec.Raw, depth: int) -> tuple[int, int]:
    """Characters that are media, and images, in a list of parts."""
    try:
        read = _PARTS.decode(parts)
    except UNREADABLE:
        return 0, 0
    no_text = images = 0
    media = [index for index, part in enumerate(read) if part.type in MEDIA_TYPES]
    if media:
        texts = items(parts)
        no_text = sum(len(texts[index]) for index in media)
        images = sum(read[index].type in IMAGE_TYPES for index in media)
    if depth > 1:
        for part in read:
            if part.type not in MEDIA_TYPES and is_list(part.content):
                inner_no_text, inner_images = _media_in(part.content, depth - 1)
                no_text += inner_no_text
                images += inner_images
    return no_text, images


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
