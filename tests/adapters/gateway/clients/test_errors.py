"""OpenAI's client and Anthropic's, when something is wrong: before a fake engine, whose failures can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

import anthropic
import openai

from tests.adapters.gateway.clients.fake_engine import Answer, Arrived, FakeEngine, failure, fake_engine, streaming
from tests.adapters.gateway.clients.running import Running, gateway_before, until

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
ONE_AT_A_TIME = ("--router", "cap", "--programs-per-engine", "1", "--max-queue", "1", "--max-wait", "500ms")


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Running, FakeEngine]]:
    with fake_engine() as engine, gateway_before(engine.url, options=ONE_AT_A_TIME) as running:
        yield running, engine


@pytest.fixture
def engine(served: tuple[Running, FakeEngine]) -> Iterator[FakeEngine]:  # type: ignore[override]
    yield served[1]
    served[1].reset()


@pytest.fixture
def gateway(served: tuple[Running, FakeEngine]) -> Running:  # type: ignore[override]
    return served[0]


class Client(openai.OpenAI):  # type: ignore[misc]
    """The client itself; where it would sleep before it comes back, it remembers for how long, and what is told goes on."""

    def __init__(self, gateway: Running, *, retries: int = 0, **options: Any) -> None:
        super().__init__(base_url=gateway.v1, api_key="none", max_retries=retries, **options)
        self.waits_s: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def _calculate_retry_timeout(self, *arguments: Any, **options: Any) -> float:
        self.waits_s.append(super()._calculate_retry_timeout(*arguments, **options))
        self.meanwhile()
        return 0.0


def chat(client: Any, **options: Any) -> Any:
    return client.chat.completions.create(model="fake", messages=HELLO, **options)


@pytest.mark.parametrize(
    ("extra", "code", "param"),
    [
        ({"program_id": ""}, "invalid_program_id", "program_id"),
        ({"program_id": 7}, "invalid_program_id", "program_id"),
        ({"program_id": "x" * 300}, "invalid_program_id", "program_id"),
    ],
    ids=["empty", "number", "long"],
)
def test_a_request_that_the_gateway_refuses_is_a_bad_request_with_a_code(
    gateway: Running, engine: FakeEngine, extra: dict[str, Any], code: str, param: str
) -> None:
    with Client(gateway, retries=2) as client, pytest.raises(openai.BadRequestError) as caught:
        chat(client, extra_body=extra)

    assert (caught.value.code, caught.value.param, caught.value.type) == (code, param, "invalid_request_error")
    assert engine.arrived == []


def test_a_request_that_the_engine_refuses_is_told_in_its_words(gateway: Running, engine: FakeEngine) -> None:
    engine.answer = lambda arrived: failure(400)
    with Client(gateway, retries=2) as client, pytest.raises(openai.BadRequestError, match="fake failure"):
        chat(client)

    assert len(engine.arrived) == 1


def test_an_engine_that_is_busy_for_a_moment_is_not_seen_at_all(gateway: Running, engine: FakeEngine) -> None:
    engine.answer = lambda arrived: failure(429) if len(engine.arrived) < 3 else Answer()
    with Client(gateway) as client:
        assert chat(client).choices[0].message.content == "fake"

    assert len(engine.arrived) == 3
    assert len({arrived.body for arrived in engine.arrived}) == 1


def test_an_engine_that_stays_busy_is_a_rate_limit_that_says_when_to_come_back(gateway: Running, engine: FakeEngine) -> None:
    engine.answer = lambda arrived: failure(429)
    with Client(gateway) as client, pytest.raises(openai.RateLimitError) as caught:
        chat(client)

    assert (caught.value.code, caught.value.type) == ("backend_busy", "rate_limit_error")
    assert caught.value.response.headers["retry-after"] == "1"


def test_a_full_queue_is_a_rate_limit_after_which_the_client_comes_back_when_told(gateway: Running, engine: FakeEngine) -> None:
    engine.answer = waiting(engine)
    with Client(gateway, retries=1) as client, Client(gateway, retries=9) as patient, ThreadPoolExecutor(2) as others:
        running, waits = occupy(others, gateway, engine), others.submit(chat, patient)
        until(lambda: any(seen["waiting_turns"] for seen in gateway.programs.values()))
        client.meanwhile = lambda: (engine.go.set(), running.result(), waits.result())
        assert chat(client).choices[0].message.content == "fake"

    assert client.waits_s == [5.0]


def test_a_wait_that_is_too_long_is_a_503_after_which_the_client_comes_back_when_told(
    gateway: Running, engine: FakeEngine
) -> None:
    engine.answer = waiting(engine)
    with Client(gateway, retries=1) as client, ThreadPoolExecutor(1) as others:
        running = occupy(others, gateway, engine)
        client.meanwhile = lambda: (engine.go.set(), running.result())
        assert chat(client).choices[0].message.content == "fake"

    assert client.waits_s == [5.0]


def test_a_wait_that_is_too_long_says_so_to_clients_that_do_not_come_back(gateway: Running, engine: FakeEngine) -> None:
    engine.answer = waiting(engine)
    with Client(gateway) as client, ThreadPoolExecutor(1) as others:
        running = occupy(others, gateway, engine)
        with pytest.raises(openai.InternalServerError) as caught:
            chat(client)
        engine.go.set()
        running.result()

    assert (caught.value.status_code, caught.value.code) == (503, "wait_timeout")
    assert int(caught.value.response.headers["retry-after"]) >= 1


@pytest.mark.parametrize("breaks", [lambda: failure(500), lambda: Answer(breaks_off=True)], ids=["fails", "breaks off"])
def test_an_engine_that_answers_at_the_second_try_is_not_seen_to_have_failed(
    gateway: Running, engine: FakeEngine, breaks: Callable[[], Answer]
) -> None:
    engine.answer = lambda arrived: breaks() if len(engine.arrived) < 2 else Answer()
    with Client(gateway) as client:
        assert chat(client).choices[0].message.content == "fake"

    assert len(engine.arrived) == 2


def test_a_stream_that_breaks_off_is_an_error_after_what_had_come(gateway: Running, engine: FakeEngine) -> None:
    choice = {"index": 0, "delta": {"content": "half"}, "finish_reason": None}
    chunk = {"id": "fake", "object": "chat.completion.chunk", "created": 0, "model": "fake", "choices": [choice]}
    engine.answer = lambda arrived: streaming(chunk, breaks_off=True)
    came = []
    with Client(gateway, retries=2) as client, pytest.raises(openai.APIError, match="closed the connection") as caught:
        for piece in chat(client, stream=True):
            came.append(piece.choices[0].delta.content)

    assert (came, caught.value.code, len(engine.arrived)) == (["half"], "backend_failed", 1)


def test_anthropics_client_sees_a_stream_break_off_too(gateway: Running, engine: FakeEngine) -> None:
    engine.answer = lambda arrived: streaming({"type": "ping"}, breaks_off=True)
    with (
        anthropic.Anthropic(base_url=gateway.url, api_key="none", max_retries=2) as client,
        pytest.raises(anthropic.APIStatusError, match="closed the connection"),
    ):
        list(client.messages.create(model="fake", max_tokens=9, messages=HELLO, stream=True))


def test_anthropics_client_comes_back_when_told(gateway: Running, engine: FakeEngine) -> None:
    engine.answer = lambda arrived: failure(429)
    with (
        anthropic.Anthropic(base_url=gateway.url, api_key="none", max_retries=0) as client,
        pytest.raises(anthropic.RateLimitError) as caught,
    ):
        client.messages.create(model="fake", max_tokens=9, messages=HELLO)

    assert caught.value.body["error"]["type"] == "rate_limit_error"
    assert caught.value.response.headers["retry-after"] == "1"


def test_a_client_that_does_not_wait_for_the_engine_times_out_and_is_forgotten(
    gateway: Running, engine: FakeEngine, program: str
) -> None:
    engine.answer = waiting(engine)
    with Client(gateway, timeout=0.3) as client, pytest.raises(openai.APITimeoutError):
        chat(client, extra_body={"program_id": program})

    until(lambda: gateway.programs[program]["running_turns"] == 0)
    gateway.post("/programs/release", {"program_id": program})


def waiting(engine: FakeEngine) -> Callable[[Arrived], Answer]:
    """Answers when the test says so."""
    go = engine.go

    def answer(arrived: Arrived) -> Answer:
        go.wait(30)
        return Answer()

    return answer


def occupy(threads: ThreadPoolExecutor, gateway: Running, engine: FakeEngine) -> Any:
    """Another run has the one place there is."""
    running = threads.submit(chat, Client(gateway))
    until(lambda: bool(engine.arrived))
    return running
