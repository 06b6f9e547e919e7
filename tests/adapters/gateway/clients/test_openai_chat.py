"""OpenAI's client: chat, whole and streamed, and how it names its program."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("openai")

import openai

from tests.adapters.gateway.clients.running import MODEL, Running, until

HELLO: list[Any] = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def client(gateway: Running) -> Iterator[Any]:
    with openai.OpenAI(base_url=gateway.v1, api_key="none", max_retries=0) as client:
        yield client


def text_of(chunks: list[Any]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def test_a_chat_is_answered(client: Any) -> None:
    completion = client.chat.completions.create(model=MODEL, messages=HELLO, temperature=0.5, stop=["x"], user="me")

    assert completion.choices[0].message.content == "hello"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.completion_tokens == 6


def test_the_asynchronous_client_asks_for_several_at_once(gateway: Running) -> None:
    async def main() -> list[str]:
        async with openai.AsyncOpenAI(base_url=gateway.v1, api_key="none", max_retries=0) as client:
            asking = [
                client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": f"number {i}"}])
                for i in range(20)
            ]
            return [completion.choices[0].message.content for completion in await asyncio.gather(*asking)]

    assert asyncio.run(main()) == [f"number {i}" for i in range(20)]


def test_a_stream_brings_the_text_and_no_usage_that_nobody_asked_for(client: Any, gateway: Running, program: str) -> None:
    stream = client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, extra_body={"program_id": program})
    chunks = list(stream)

    assert text_of(chunks) == "hello"
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    assert gateway.total_tokens(program) == 30  # the gateway knows it all the same


@pytest.mark.parametrize("options", [{"include_usage": True}, {"include_usage": True, "continuous_usage_stats": False}], ids=str)
def test_a_stream_keeps_the_usage_that_was_asked_for(client: Any, options: dict[str, Any]) -> None:
    chunks = list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, stream_options=options))

    assert text_of(chunks) == "hello"
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [6]
    assert chunks[-1].choices == []


@pytest.mark.parametrize("options", [{"include_usage": False}, {}], ids=str)
def test_a_stream_of_someone_who_wants_no_usage_has_none(client: Any, options: dict[str, Any]) -> None:
    chunks = list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, stream_options=options))

    assert [chunk for chunk in chunks if chunk.usage or not chunk.choices] == []


def test_the_clients_helper_for_streams_works(client: Any) -> None:
    with client.chat.completions.stream(model=MODEL, messages=HELLO) as stream:
        completion = stream.get_final_completion()

    assert completion.choices[0].message.content == "hello"


def test_an_asynchronous_stream_may_be_left_half_way(gateway: Running, program: str) -> None:
    async def main() -> str:
        async with openai.AsyncOpenAI(base_url=gateway.v1, api_key="none", max_retries=0) as client:
            stream = await client.chat.completions.create(
                model=MODEL,
                messages=[{"role": "user", "content": "x" * 20_000}],
                stream=True,
                extra_headers={"X-Session-ID": program},
            )
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    await stream.close()
                    return str(chunk.choices[0].delta.content)
        return ""

    assert set(asyncio.run(main())) == {"x"}
    until(lambda: gateway.programs[program]["running_turns"] == 0)


@pytest.mark.parametrize(
    "naming",
    [
        lambda program: {"extra_body": {"program_id": program}},
        lambda program: {"extra_headers": {"X-Program-ID": program}},
        lambda program: {"extra_headers": {"X-Session-ID": program}},
        lambda program: {"extra_body": {"program_id": program}, "extra_headers": {"X-Session-ID": "another"}},
    ],
    ids=["body", "X-Program-ID", "X-Session-ID", "the body goes first"],
)
def test_a_program_is_named_in_the_body_or_in_a_header(client: Any, gateway: Running, program: str, naming: Any) -> None:
    client.chat.completions.create(model=MODEL, messages=HELLO, **naming(program))

    assert gateway.programs[program]["step_count"] == 1
    assert "another" not in gateway.programs


def test_a_request_without_a_name_leaves_nothing(client: Any, gateway: Running) -> None:
    before = set(gateway.programs)
    client.chat.completions.create(model=MODEL, messages=HELLO)

    assert set(gateway.programs) == before


def test_answers_say_where_they_ran_and_how_long_they_were_held_back(client: Any, gateway: Running) -> None:
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)

    assert raw.headers["X-Thunder-Backend"] == gateway.engines[0]
    assert float(raw.headers["X-Thunder-Wait-Ms"]) >= 0
    assert raw.parse().choices[0].message.content == "hello"


def test_streams_say_it_too(client: Any, gateway: Running) -> None:
    with client.chat.completions.with_streaming_response.create(model=MODEL, messages=HELLO, stream=True) as raw:
        assert raw.headers["X-Thunder-Backend"] == gateway.engines[0]
        assert raw.headers["X-Thunder-Wait-Ms"].isdigit()
        assert "data: [DONE]" in list(raw.iter_lines())


def test_every_turn_of_a_program_finds_the_turns_before_cached(client: Any, gateway: Running, program: str) -> None:
    messages, cached = [{"role": "user", "content": f"{program}: begin"}], []
    for turn in range(4):
        completion = client.chat.completions.create(model=MODEL, messages=messages, extra_body={"program_id": program})
        cached.append((completion.usage.prompt_tokens_details.cached_tokens, completion.usage.prompt_tokens))
        answer = {"role": "assistant", "content": completion.choices[0].message.content}
        messages = [*messages, answer, {"role": "user", "content": f"go on {turn}"}]

    for (_, before), (hit, _) in itertools.pairwise(cached):
        assert before - 32 <= hit  # all of the prompt before, in whole blocks
    known = gateway.programs[program]
    assert (known["step_count"], known["backend"]) == (4, gateway.engines[0])
    assert known["total_tokens"] == completion.usage.total_tokens


def test_a_released_program_is_forgotten(client: Any, gateway: Running, program: str) -> None:
    client.chat.completions.create(model=MODEL, messages=HELLO, extra_body={"program_id": program})

    assert gateway.post("/programs/release", {"program_id": program}) == {"program_id": program, "released": True}
    assert program not in gateway.programs


def test_models_are_those_of_the_engines(client: Any) -> None:
    models = client.models.list()

    assert [(model.id, model.object) for model in models] == [(MODEL, "model")]
