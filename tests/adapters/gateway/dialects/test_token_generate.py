"""Tokens in, tokens out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.adapters.gateway.streams import COUNTS, DONE, event
from thunderagent.adapters.gateway.answer import Answered
from thunderagent.adapters.gateway.dialects.token_generate import SKYRL_GENERATE, VLLM_GENERATE
from thunderagent.core import Usage

REQUEST = {
    "sampling_params": {"max_tokens": 100, "n": 2, "logprobs": 0},
    "model": "qwen",
    "token_ids": list(range(1000)),
    "cache_salt": "s",
}
CHOICE = {"index": 0, "logprobs": {"content": [{"logprob": -0.1}] * 3}, "finish_reason": "stop", "token_ids": [7, 8, 9]}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("dialect", [VLLM_GENERATE, SKYRL_GENERATE])
def test_the_tokens_of_the_prompt_are_counted(dialect: Any) -> None:
    asked = dialect.read(encoded(REQUEST | {"program_id": "p"}))
    assert (asked.prompt_tokens, asked.answers, asked.program_id) == (1000, 2, "p")
    assert asked.body == encoded(REQUEST)


@pytest.mark.parametrize("wrong", [None, "1,2,3", {}, 7])
def test_what_are_no_token_ids_are_not_counted(wrong: Any) -> None:
    assert VLLM_GENERATE.read(encoded({"token_ids": wrong})).prompt_tokens is None


def test_a_usage_that_is_told_is_taken() -> None:
    answer = {"request_id": "r", "choices": [CHOICE], "usage": COUNTS, "prompt_logprobs": None, "kv_transfer_params": None}
    assert VLLM_GENERATE.answered(encoded(answer)) == Answered(Usage(1843, 23, 1824))


def test_without_a_usage_the_tokens_are_counted() -> None:
    one = SKYRL_GENERATE.read(encoded(REQUEST | {"sampling_params": {}}))
    two = SKYRL_GENERATE.read(encoded(REQUEST))
    assert SKYRL_GENERATE.answered(encoded({"choices": [CHOICE]}), one) == Answered(Usage(1000, 3))
    assert SKYRL_GENERATE.answered(encoded({"choices": [CHOICE, CHOICE]}), two) == Answered(Usage(1000, 3))
    assert SKYRL_GENERATE.answered(encoded({"choices": [{"token_ids": []}]}), one) == Answered(Usage(1000, 0))


def test_without_a_usage_and_without_the_request_nothing_is_known() -> None:
    assert SKYRL_GENERATE.answered(encoded({"choices": [CHOICE]})) == Answered()
    assert SKYRL_GENERATE.answered(encoded({"detail": "error"}), SKYRL_GENERATE.read(encoded(REQUEST))) == Answered()


def test_a_stream_is_asked_for_its_usage_which_is_read_and_hidden() -> None:
    asked = VLLM_GENERATE.read(encoded(REQUEST | {"stream": True, "sampling_params": {}}))
    assert json.loads(asked.body)["stream_options"] == {"include_usage": True}
    reader = VLLM_GENERATE.stream(asked)
    tokens, usage = event({"request_id": "r", "choices": [CHOICE]}), event({"request_id": "r", "choices": [], "usage": COUNTS})
    assert b"".join(map(reader.feed, [tokens, usage, DONE])) == tokens + DONE
    assert reader.answered == Answered(Usage(1843, 23, 1824))
