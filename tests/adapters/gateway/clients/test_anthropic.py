"""Anthropic's client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("anthropic")

import anthropic

from tests.adapters.gateway.clients.running import MODEL, Running

HELLO: list[Any] = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def client(gateway: Running) -> Iterator[Any]:
    with anthropic.Anthropic(base_url=gateway.url, api_key="none", max_retries=0) as client:
        yield client


def test_a_message_is_answered(client: Any, gateway: Running, program: str) -> None:
    message = client.messages.create(
        model=MODEL,
        max_tokens=50,
        messages=HELLO,
        system=[{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        metadata={"user_id": "me"},
        extra_body={"program_id": program},
    )

    assert (message.content[0].text, message.stop_reason) == ("hello", "end_turn")
    usage = message.usage
    assert gateway.total_tokens(program) == (usage.input_tokens + usage.cache_read_input_tokens + usage.output_tokens)


def test_the_second_turn_reads_the_first_from_the_cache(client: Any, program: str) -> None:
    first = [{"role": "user", "content": f"{program} {'x' * 100}"}]
    more = [*first, {"role": "assistant", "content": first[0]["content"]}, {"role": "user", "content": "more"}]
    naming = {"extra_headers": {"X-Session-ID": program}}
    client.messages.create(model=MODEL, max_tokens=200, messages=first, **naming)
    message = client.messages.create(model=MODEL, max_tokens=200, messages=more, **naming)

    assert message.usage.cache_read_input_tokens > 200
    assert message.usage.input_tokens < 100


def test_a_stream_is_answered_and_counted(client: Any, gateway: Running, program: str) -> None:
    with client.messages.stream(model=MODEL, max_tokens=50, messages=HELLO, extra_body={"program_id": program}) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()

    assert (text, message.content[0].text, message.stop_reason) == ("hello", "hello", "end_turn")
    assert message.usage.output_tokens == 6
    assert gateway.total_tokens(program) == 30


def test_a_plain_stream_has_all_its_events(client: Any) -> None:
    events = [event.type for event in client.messages.create(model=MODEL, max_tokens=3, messages=HELLO, stream=True)]

    assert events == [
        *("message_start", "content_block_start", *["content_block_delta"] * 3),
        *("content_block_stop", "message_delta", "message_stop"),
    ]


def test_the_asynchronous_client_works(gateway: Running) -> None:
    async def main() -> str:
        async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key="none", max_retries=0) as client:
            message = await client.messages.create(model=MODEL, max_tokens=50, messages=HELLO)
            return str(message.content[0].text)

    assert asyncio.run(main()) == "hello"


def test_what_the_gateway_refuses_has_anthropics_shape(client: Any) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.messages.create(model=MODEL, max_tokens=50, messages=HELLO, extra_body={"program_id": ""})

    error = caught.value.body
    assert error["type"] == "error"
    assert error["error"]["type"] == "invalid_request_error"
    assert "program_id must be printable text" in error["error"]["message"]


def test_what_the_engine_refuses_comes_through(client: Any) -> None:
    with pytest.raises(anthropic.NotFoundError, match="only 'simulated' is served"):
        client.messages.create(model="other", max_tokens=50, messages=HELLO)
    with pytest.raises(anthropic.BadRequestError, match="image"):
        content = [{"type": "image", "source": {"type": "url", "url": "http://x/y.png"}}]
        client.messages.create(model=MODEL, max_tokens=50, messages=[{"role": "user", "content": content}])
