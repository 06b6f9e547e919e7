"""SGLang's own generate."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.adapters.gateway.streams import DONE, event
from thunderagent.adapters.gateway.answer import Answered
from thunderagent.adapters.gateway.dialects.sglang_generate import SGLANG_GENERATE
from thunderagent.core import PromptSize, Usage


def generated(text: str, completion_tokens: int, prompt_tokens: int = 1843) -> dict[str, Any]:
    return {
        "text": text,
        "output_ids": list(range(completion_tokens)),
        "meta_info": {
            "id": "e1f0",
            "finish_reason": None,
            "prompt_tokens": prompt_tokens,
            "weight_version": "default",
            "completion_tokens": completion_tokens,
            "cached_tokens": 1824,
            "e2e_latency": 0.41,
        },
    }


def body(**fields: Any) -> bytes:
    return json.dumps({"sampling_params": {"max_new_tokens": 8}} | fields).encode()


@pytest.mark.parametrize(
    ("fields", "size", "tokens"),
    [
        ({"text": "hello"}, PromptSize(7, 0), None),
        ({"text": ["hello", "hello you"]}, PromptSize(11, 0), None),
        ({"input_ids": [1, 2, 3]}, PromptSize(0, 0), 3),
        ({"input_ids": [[1, 2, 3], [4]]}, PromptSize(0, 0), 3),
        ({"text": "hello", "image_data": "https://x/y.png"}, PromptSize(7, 1), None),
        ({"text": "hello", "image_data": ["A" * 10_000, "B"]}, PromptSize(7, 2), None),
        ({"text": "hello", "image_data": None}, PromptSize(7, 0), None),
        ({}, PromptSize(0, 0), None),
    ],
)
def test_a_prompt_is_text_or_ids_with_images_beside_it(fields: dict[str, Any], size: PromptSize, tokens: int | None) -> None:
    asked = SGLANG_GENERATE.read(body(**fields, program_id="p"))
    assert (asked.prompt, asked.prompt_tokens, asked.program_id) == (size, tokens, "p")
    assert asked.body == body(**fields)


def test_a_whole_answer_has_its_counts_in_meta_info() -> None:
    assert SGLANG_GENERATE.answered(json.dumps(generated("Hi", 2)).encode()) == Answered(
        Usage(1843, 2, 1824), weight_version="default"
    )


def test_of_a_batch_the_longest_context_counts() -> None:
    answers = [generated("Hi", 2), generated("Hello", 5), {"meta_info": None}]
    assert SGLANG_GENERATE.answered(json.dumps(answers).encode()) == Answered(Usage(1843, 5, 1824), weight_version="default")
    assert SGLANG_GENERATE.answered(b" []") == Answered()


def test_every_event_has_the_counts_so_far() -> None:
    reader = SGLANG_GENERATE.stream(SGLANG_GENERATE.read(body(text="hello", stream=True)))
    for n in range(1, 300):
        reader.feed(event(generated("word " * n, n)))
        if n % 100 == 0:
            assert reader.answered.usage == Usage(1843, n, 1824)
    reader.feed(DONE)
    assert reader.answered == Answered(Usage(1843, 299, 1824), weight_version="default")
