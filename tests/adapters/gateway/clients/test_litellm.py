"""LiteLLM, which most agents go through: by its provider for OpenAI's API and by the one for vLLM."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("litellm")

import litellm

from tests.adapters.gateway.clients.running import MODEL, Running

# Of its own types.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Item.*ReadOnly:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning"),
]
HELLO: list[Any] = [{"role": "user", "content": "hello"}]
MODELS = [f"openai/{MODEL}", f"hosted_vllm/{MODEL}"]


@pytest.fixture(autouse=True)
def _nothing_is_left_of_it() -> Iterator[None]:
    yield
    litellm.in_memory_llm_clients_cache.flush_cache()


@pytest.mark.parametrize("model", MODELS)
def test_a_completion_names_its_program_in_the_body(gateway: Running, program: str, model: str) -> None:
    answer = litellm.completion(
        model=model, messages=HELLO, api_base=gateway.v1, api_key="none", extra_body={"program_id": program}
    )

    assert answer.choices[0].message.content == "hello"
    assert answer.usage.total_tokens == gateway.total_tokens(program) == 30


@pytest.mark.parametrize("model", MODELS)
def test_or_in_a_header(gateway: Running, program: str, model: str) -> None:
    litellm.completion(model=model, messages=HELLO, base_url=gateway.v1, api_key="none", extra_headers={"X-Session-ID": program})

    assert gateway.programs[program]["step_count"] == 1


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": True}}], ids=["plain", "usage"])
def test_an_asynchronous_stream(gateway: Running, program: str, model: str, options: dict[str, Any]) -> None:
    async def main() -> list[Any]:
        stream = await litellm.acompletion(
            model=model,
            messages=HELLO,
            api_base=gateway.v1,
            api_key="none",
            stream=True,
            extra_body={"program_id": program},
            **options,
        )
        return [chunk async for chunk in stream]

    chunks = asyncio.run(main())
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "hello"
    told = [chunk.usage.completion_tokens for chunk in chunks if getattr(chunk, "usage", None)]
    assert told == ([6] if options else [])
    assert gateway.total_tokens(program) == 30


def test_its_way_to_anthropics_api(gateway: Running, program: str) -> None:
    answer = litellm.completion(
        model=f"anthropic/{MODEL}",
        messages=HELLO,
        max_tokens=50,
        api_base=gateway.url,
        api_key="none",
        extra_headers={"X-Session-ID": program},
    )

    assert answer.choices[0].message.content == "hello"
    assert gateway.programs[program]["step_count"] == 1


def test_a_text_completion(gateway: Running, program: str) -> None:
    answer = litellm.text_completion(
        model=f"text-completion-openai/{MODEL}",
        prompt="once",
        api_base=gateway.v1,
        api_key="none",
        extra_body={"program_id": program},
    )

    assert answer.choices[0].text == "once"
    assert gateway.programs[program]["step_count"] == 1


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("characters", [250_000, 1_500_000], ids=["the engine says so", "the gateway says so"])
def test_a_context_that_fits_nowhere_is_known_as_such(gateway: Running, model: str, characters: int) -> None:
    with pytest.raises(litellm.exceptions.ContextWindowExceededError):
        litellm.completion(
            model=model,
            messages=[{"role": "user", "content": "x" * characters}],
            api_base=gateway.v1,
            api_key="none",
            max_retries=0,
        )


def test_what_the_gateway_refuses_is_a_bad_request(gateway: Running) -> None:
    with pytest.raises(litellm.exceptions.BadRequestError, match="program_id must be printable text"):
        litellm.completion(
            model=MODELS[0], messages=HELLO, api_base=gateway.v1, api_key="none", extra_body={"program_id": ""}, max_retries=0
        )
