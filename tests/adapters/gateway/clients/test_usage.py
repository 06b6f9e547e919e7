"""What the gateway learns from answers that tell less than usual, or of several contexts: from a fake engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.adapters.gateway.clients.fake_engine import Answer, FakeEngine, calling, fake_engine, streaming
from tests.adapters.gateway.clients.running import Running, gateway_before


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Running, FakeEngine]]:
    with fake_engine() as engine, gateway_before(engine.url) as running:
        yield running, engine


def told(served: tuple[Running, FakeEngine], program: str, path: str, body: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """What the gateway knows of a program after one turn."""
    gateway, engine = served
    engine.reset()
    engine.answer = lambda arrived: answer
    gateway.post(path, {**body, "program_id": program}, stream=bool(body.get("stream")))
    return dict(gateway.programs[program])


def test_an_answer_that_tells_no_usage_is_counted_by_its_tokens(served: tuple[Running, FakeEngine], program: str) -> None:
    answer = Answer(body=json.dumps({"choices": [{"index": 0, "token_ids": [4, 5], "finish_reason": "stop"}]}).encode())
    known = told(served, program, "/skyrl/v1/generate", {"token_ids": [1, 2, 3], "sampling_params": {}}, answer)

    assert known["total_tokens"] == 5


@pytest.mark.parametrize(
    ("more", "tokens"),
    [({"prompt": [[1] * 10, [2] * 10]}, 12), ({"prompt": [1] * 20, "n": 4}, 21)],
    ids=["two prompts", "four answers"],
)
def test_the_counts_of_several_prompts_and_answers_are_of_one_context(
    served: tuple[Running, FakeEngine], program: str, more: dict[str, Any], tokens: int
) -> None:
    usage = {"prompt_tokens": 20, "completion_tokens": 4, "total_tokens": 24}
    answer = Answer(body=json.dumps({"choices": [{"index": i, "text": "x"} for i in range(2)], "usage": usage}).encode())

    assert told(served, program, "/v1/completions", more, answer)["total_tokens"] == tokens


@pytest.mark.parametrize("stream", [False, True])
def test_the_tool_that_an_answer_calls_is_known(served: tuple[Running, FakeEngine], program: str, stream: bool) -> None:
    answer = calling("bash", "ls")
    if stream:
        (choice,) = json.loads(answer.body)["choices"]
        chunk = {"id": "fake", "choices": [{"index": 0, "delta": choice["message"], "finish_reason": None}]}
        answer = streaming(chunk, {"id": "fake", "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 1}})
    known = told(served, program, "/v1/chat/completions", {"messages": [], "stream": stream}, answer)

    assert (known["tool"], known["total_tokens"]) == ("bash", 11)
