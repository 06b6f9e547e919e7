"""OpenAI's client: completions, responses, and what no engine here has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("openai")

import openai

from tests.adapters.gateway.clients.running import MODEL, Running


@pytest.fixture(scope="module")
def client(gateway: Running) -> Iterator[Any]:
    with openai.OpenAI(base_url=gateway.v1, api_key="none", max_retries=0) as client:
        yield client


@pytest.mark.parametrize(("prompt", "tokens"), [("once upon", 9), ([72, 73, 74], 3), (["once"], 4)], ids=str)
def test_a_completion_of_text_or_token_ids(client: Any, gateway: Running, program: str, prompt: Any, tokens: int) -> None:
    completion = client.completions.create(model=MODEL, prompt=prompt, extra_body={"program_id": program})

    assert completion.choices[0].finish_reason == "stop"
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (tokens, tokens + 1)
    assert gateway.total_tokens(program) == 2 * tokens + 1


def test_a_streamed_completion(client: Any, gateway: Running, program: str) -> None:
    stream = client.completions.create(model=MODEL, prompt="once", stream=True, extra_body={"program_id": program})
    chunks = list(stream)

    assert "".join(chunk.choices[0].text for chunk in chunks) == "once"
    assert [chunk for chunk in chunks if chunk.usage] == []
    assert gateway.total_tokens(program) == 9


@pytest.mark.parametrize("given", ["hello", [{"role": "user", "content": "hello"}]], ids=["text", "items"])
def test_a_response_to_a_text_or_to_items(client: Any, gateway: Running, program: str, given: Any) -> None:
    response = client.responses.create(model=MODEL, input=given, extra_body={"program_id": program})

    assert (response.status, response.output_text) == ("completed", "hello")
    assert gateway.total_tokens(program) == response.usage.total_tokens == 30


def test_a_streamed_response(client: Any, gateway: Running, program: str) -> None:
    events = list(client.responses.create(model=MODEL, input="hello", stream=True, extra_body={"program_id": program}))

    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "hello"
    assert gateway.total_tokens(program) == events[-1].response.usage.total_tokens == 30


def test_the_clients_helper_for_streamed_responses_works(client: Any) -> None:
    with client.responses.stream(model=MODEL, input="hello") as stream:
        response = stream.get_final_response()

    assert response.output_text == "hello"


def test_turns_by_different_apis_are_of_one_program(client: Any, gateway: Running, program: str) -> None:
    naming = {"extra_body": {"program_id": program}}
    client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hello"}], **naming)
    client.responses.create(model=MODEL, input="hello", **naming)
    client.completions.create(model=MODEL, prompt="hello", **naming)

    assert gateway.programs[program]["step_count"] == 3


def test_a_prompt_that_fits_nowhere_is_told_as_openai_tells_it(client: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="longer than the largest KV cache, 200000 tokens") as caught:
        client.completions.create(model=MODEL, prompt="x" * 1_500_000)

    assert caught.value.code == "context_length_exceeded"


def test_what_the_engine_does_not_have_is_its_own_404(client: Any) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.embeddings.create(model=MODEL, input="hello")

    assert "POST /v1/embeddings" in caught.value.message
    assert caught.value.response.headers["server"].startswith("Python")  # the engine's, not the gateway's


def test_a_model_that_is_not_there_is_the_engines_404(client: Any) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="other", messages=[{"role": "user", "content": "hello"}])

    assert caught.value.code == "model_not_found"
