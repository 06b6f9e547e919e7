"""Text is measured off its JSON, media are left out, and token ids are counted."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thunderagent.adapters.gateway.prompt_sizes import Prompt, size_of, text_or_ids
from thunderagent.core import PromptSize, measure

BASE64 = "A" * 1_000_000
OPENAI_IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{BASE64}"}}
ANTHROPIC_IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": BASE64}}
RESPONSES_IMAGE = {"type": "input_image", "image_url": f"data:image/png;base64,{BASE64}"}
AUDIO = {"type": "input_audio", "input_audio": {"data": BASE64, "format": "wav"}}
DOCUMENT = {"type": "document", "source": {"type": "base64", "data": BASE64}}


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def text(value: str) -> dict[str, str]:
    return {"type": "text", "text": value}


def test_text_is_measured_in_bytes_of_json() -> None:
    assert size_of([raw("hello"), raw("two\nlines")]) == (len('"hello"') + len('"two\\nlines"'), 0)


@pytest.mark.parametrize("image", [OPENAI_IMAGE, ANTHROPIC_IMAGE, RESPONSES_IMAGE])
def test_an_image_is_counted_and_is_no_text(image: Any) -> None:
    characters, images = size_of([raw([text("what is this?"), image, image])])
    assert images == 2
    assert len("what is this?") < characters < 100


@pytest.mark.parametrize("medium", [AUDIO, DOCUMENT])
def test_other_media_are_neither(medium: Any) -> None:
    characters, images = size_of([raw([text("listen"), medium])])
    assert images == 0
    assert characters < 100


def test_an_image_in_the_result_of_a_tool_is_counted() -> None:
    screenshot = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [text("here"), ANTHROPIC_IMAGE]}
    characters, images = size_of([raw([screenshot])])
    assert images == 1
    assert characters < 200


@pytest.mark.parametrize("content", [None, 3, {"a": 1}, ["plain", "strings"], [{"type": 5}], [[]], [None]])
def test_content_of_an_unknown_shape_counts_as_text(content: Any) -> None:
    assert size_of([raw(content)]) == (len(json.dumps(content)), 0)


def test_parts_within_parts_are_not_followed_without_end() -> None:
    content: Any = [OPENAI_IMAGE]
    for _ in range(200):
        content = [{"type": "tool_result", "content": content}]
    characters, images = size_of([raw(content)])
    assert images == 0
    assert characters > len(BASE64)


@given(st.lists(st.sampled_from([text("some words"), OPENAI_IMAGE, ANTHROPIC_IMAGE, AUDIO]), max_size=6))
def test_images_are_as_many_as_the_core_finds_and_text_is_proportional(parts: list[Any]) -> None:
    characters, images = size_of([raw(parts)])
    decoded = measure(parts)
    assert images == decoded.images
    assert decoded.characters <= characters <= decoded.characters + 200 * (len(parts) + 1)


def test_a_prompt_of_text_has_its_size() -> None:
    assert text_or_ids(raw("hello")) == Prompt(PromptSize(7, 0))


def test_of_several_texts_the_longest_counts() -> None:
    assert text_or_ids(raw(["hello", "hello world"])) == Prompt(PromptSize(13, 0), prompts=2)


@given(st.lists(st.integers(0, 200_000), max_size=50), st.sampled_from([None, 1]))
def test_token_ids_are_counted_exactly(ids: list[int], indent: int | None) -> None:
    written = msgspec.Raw(json.dumps(ids, indent=indent).encode())
    assert text_or_ids(written) == Prompt(tokens=len(ids))


def test_of_several_lists_of_token_ids_the_longest_counts() -> None:
    assert text_or_ids(raw([[1, 2], [3, 4, 5], []])) == Prompt(tokens=3, prompts=3)
