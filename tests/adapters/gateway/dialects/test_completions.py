"""Completions of text and of token ids."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.adapters.gateway.streams import COUNTS, DONE, event
from thunderagent.adapters.gateway.answer import Answered
from thunderagent.adapters.gateway.dialects.completions import COMPLETIONS
from thunderagent.core import PromptSize, Usage

WHOLE = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1764115200,
    "model": "qwen",
    "choices": [
        {"index": 0, "text": "Hi", "logprobs": None, "finish_reason": "stop", "stop_reason": None, "prompt_logprobs": None}
    ],
    "usage": COUNTS,
}


def body(prompt: Any, **more: Any) -> bytes:
    return json.dumps({"model": "qwen", "prompt": prompt} | more).encode()


@pytest.mark.parametrize(
    ("prompt", "characters", "tokens", "prompts"),
    [
        ("hello", 7, None, 1),
        (["hello", "hello you"], 11, None, 2),
        ([1, 22, 333], 0, 3, 1),
        ([[1, 22, 333], [4]], 0, 3, 2),
        ([], 0, 0, 1),
        (None, 4, None, 1),
    ],
)
def test_a_prompt_is_text_or_ids_one_or_several(prompt: Any, characters: int, tokens: int | None, prompts: int) -> None:
    asked = COMPLETIONS.read(body(prompt, n=3))
    assert asked.prompt == PromptSize(characters, 0)
    assert (asked.prompt_tokens, asked.prompts, asked.answers) == (tokens, prompts, 3)


def test_the_usage_of_a_batch_counts_as_one_context() -> None:
    asked = COMPLETIONS.read(body([[1, 2], [3, 4]], n=2))
    answer = WHOLE | {"usage": {"prompt_tokens": 4, "completion_tokens": 40}}
    assert COMPLETIONS.answered(json.dumps(answer).encode(), asked) == Answered(Usage(2, 10))


def test_a_whole_answer_tells_its_usage() -> None:
    assert COMPLETIONS.answered(json.dumps(WHOLE).encode()) == Answered(Usage(1843, 23, 1824))


def test_a_stream_is_asked_for_its_usage_which_is_read_and_hidden() -> None:
    asked = COMPLETIONS.read(body("hello", stream=True))
    assert json.loads(asked.body)["stream_options"] == {"include_usage": True}
    reader = COMPLETIONS.stream(asked)
    text = event({"id": "cmpl-1", "choices": [{"index": 0, "text": "Hi", "finish_reason": None}]})
    usage = event({"id": "cmpl-1", "choices": [], "usage": COUNTS})
    assert b"".join(map(reader.feed, [text, usage, DONE])) == text + DONE
    assert reader.answered == Answered(Usage(1843, 23, 1824))
