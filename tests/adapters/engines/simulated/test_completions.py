from __future__ import annotations

from typing import Any

import orjson
import pytest

from .support import TOKENIZER, Scripted, Server, serve

PATH = "/v1/completions"


def complete(policy: Scripted | None = None, **fields: Any) -> tuple[int, Any]:
    async def scenario(server: Server) -> tuple[int, Any]:
        return await server.post(PATH, fields)

    return serve(scenario, policy)


@pytest.mark.parametrize("prompt", ["once", ["once"], TOKENIZER.encode("once"), [TOKENIZER.encode("once")]], ids=str)
def test_a_prompt_is_text_or_token_ids_alone_or_the_only_one_of_a_list(prompt: Any) -> None:
    policy = Scripted("hello")
    status, answer = complete(policy, prompt=prompt)

    assert (status, answer["object"], answer["id"][:5]) == (200, "text_completion", "cmpl-")
    assert policy.asked == [("once", None)]
    assert (answer["choices"][0]["text"], answer["choices"][0]["finish_reason"]) == ("hello", "stop")
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (4, 6)


def test_an_answer_has_sixteen_tokens_unless_more_are_asked_for() -> None:
    status, answer = complete(Scripted("x" * 100), prompt="once")

    assert (status, answer["choices"][0]["finish_reason"], answer["usage"]["completion_tokens"]) == (200, "length", 16)


@pytest.mark.parametrize(
    ("prompt", "problem"),
    [(["one", "two"], "2 prompts"), ([1, "two"], "2 prompts"), ([], "is empty"), ("", "is empty"), (None, "prompt")],
)
def test_several_prompts_and_none_are_refused(prompt: Any, problem: str) -> None:
    status, answer = complete(prompt=prompt)

    assert (status, answer["error"]["param"]) == (400, "prompt")
    assert problem in answer["error"]["message"]


def test_a_stream_brings_the_text_the_finish_reason_and_the_usage_when_asked() -> None:
    async def scenario(server: Server) -> list[str]:
        return await server.events(PATH, {"prompt": "once", "stream": True, "stream_options": {"include_usage": True}})

    *events, end = serve(scenario)
    chunks = [orjson.loads(event.removeprefix("data: ")) for event in events]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert end == "data: [DONE]"
    assert "".join(choice["text"] for choice in choices) == "hello"
    assert [choice["finish_reason"] for choice in choices[-2:]] == [None, "stop"]
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["completion_tokens"]) == ([], 6)
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}
