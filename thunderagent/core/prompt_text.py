"""How much text a prompt has: media are not text, however many base64 characters they are sent as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

IMAGE_TYPES = frozenset({"image_url", "image", "input_image"})
"""Parts that engines turn into image tokens (OpenAI chat, Anthropic, OpenAI responses)."""
MEDIA_TYPES = IMAGE_TYPES | {"input_audio", "audio_url", "video_url", "file", "input_file", "document"}
MAX_DEPTH = 32
"""Deeper nesting than any chat format has is not followed."""


@dataclass(frozen=True, slots=True)
class PromptSize:
    """What is to be turned into tokens."""

    characters: int
    """Of text, role names and keys left out."""
    images: int


def measure(content: Any) -> PromptSize:
    """The size of a prompt: a string, or messages and content parts in OpenAI's or Anthropic's shape."""
    characters, images = _measure(content, MAX_DEPTH)
    return PromptSize(characters, images)


def _measure(content: Any, depth: int) -> tuple[int, int]:
    if isinstance(content, str):
        return len(content), 0
    if depth == 0:
        return 0, 0
    parts: list[Any] = []
    if isinstance(content, Mapping):
        kind = content.get("type")
        if isinstance(kind, str) and kind in MEDIA_TYPES:
            return 0, int(kind in IMAGE_TYPES)
        parts = [value for key, value in content.items() if key not in ("type", "role", "id", "tool_call_id")]
    elif isinstance(content, Sequence) and not isinstance(content, bytes | bytearray):
        parts = list(content)
    sizes = [_measure(part, depth - 1) for part in parts]
    return sum(size[0] for size in sizes), sum(size[1] for size in sizes)
