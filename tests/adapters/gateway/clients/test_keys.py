"""Keys: as OpenAI's client sends them and as Anthropic's does. What is for the gateway does not reach the (fake) engine."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

import anthropic
import openai

from tests.adapters.gateway.clients.fake_engine import FakeEngine, fake_engine
from tests.adapters.gateway.clients.running import Running, gateway_before

HELLO: list[Any] = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, FakeEngine]]:
    keys = tmp_path_factory.mktemp("keys") / "keys.txt"
    keys.write_text("# of the team\nsesame\nolder\n")
    with fake_engine() as engine, gateway_before(engine.url, options=("--api-key-file", keys)) as running:
        yield running, engine


@pytest.mark.parametrize("key", ["sesame", "older"])
def test_a_known_key_opens(served: tuple[Running, FakeEngine], key: str) -> None:
    gateway, engine = served
    with openai.OpenAI(base_url=gateway.v1, api_key=key, max_retries=0) as client:
        assert client.chat.completions.create(model="fake", messages=HELLO).choices[0].message.content == "fake"

    assert not {"authorization", "x-api-key"} & set(engine.arrived[-1].headers)


def test_an_unknown_key_is_an_authentication_error_and_is_not_tried_again(served: tuple[Running, FakeEngine]) -> None:
    gateway, engine = served
    before = len(engine.arrived)
    with openai.OpenAI(base_url=gateway.v1, api_key="simsalabim", max_retries=3) as client:
        for ask in (
            lambda: client.chat.completions.create(model="fake", messages=HELLO),
            lambda: client.chat.completions.create(model="fake", messages=HELLO, stream=True),
            client.models.list,
            lambda: client.embeddings.create(model="fake", input="x"),
        ):
            with pytest.raises(openai.AuthenticationError) as caught:
                ask()
            assert caught.value.code == "invalid_api_key"
            assert "simsalabim" not in str(caught.value)

    assert len(engine.arrived) == before


def test_anthropics_client_sends_its_key_in_a_header_of_its_own(served: tuple[Running, FakeEngine]) -> None:
    gateway, engine = served
    with anthropic.Anthropic(base_url=gateway.url, api_key="sesame", max_retries=0) as client:
        client.messages.create(model="fake", max_tokens=5, messages=HELLO)
    assert not {"authorization", "x-api-key"} & set(engine.arrived[-1].headers)

    with anthropic.Anthropic(base_url=gateway.url, auth_token="sesame", api_key=None, max_retries=0) as client:
        client.messages.create(model="fake", max_tokens=5, messages=HELLO)
    with anthropic.Anthropic(base_url=gateway.url, api_key="simsalabim") as client:
        with pytest.raises(anthropic.AuthenticationError) as caught:
            client.messages.create(model="fake", max_tokens=5, messages=HELLO)
        assert caught.value.body["error"]["type"] == "authentication_error"


def test_views_and_releases_need_the_key_too_and_whether_it_lives_does_not(served: tuple[Running, FakeEngine]) -> None:
    gateway, _ = served
    gateway.get("/health")
    for ask in (lambda: gateway.programs, lambda: gateway.post("/programs/release", {"program_id": "x"})):
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask()
        assert caught.value.code == 401
