"""A gateway in a thread of its own, beside a host that keeps its loop."""

from __future__ import annotations

import asyncio
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.adapters.gateway.reliability.behaviours import answers, stalls
from tests.adapters.gateway.reliability.client import Client
from tests.adapters.gateway.reliability.fake_engine import FakeEngine
from tests.adapters.gateway.reliability.watched import page
from tests.adapters.gateway.reliability.world import on_loop, until
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway
from thunderagent.errors import ConfigError, ContractError
from thunderagent.serving import Serving


def made(*urls: str, **settings: int) -> EmbeddedGateway:
    """Not started yet. By itself it stands before nothing."""
    return EmbeddedGateway(
        ThunderConfig(), GatewaySettings(**{"port": 0, "drain_s": 0, **settings}), urls or ["http://127.0.0.1:9"]
    )


@contextmanager
def running() -> Iterator[EmbeddedGateway]:
    """One that runs until the end of the block."""
    here = made()
    here.start()
    try:
        yield here
    finally:
        here.stop()


def status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return int(answer.status)


def test_it_serves_from_its_own_thread_until_it_is_stopped() -> None:
    with running() as here:
        assert status(f"{here.url}/health") == 200
        thread = here.call(lambda _: threading.current_thread())
        assert thread.name == "thunderagent-gateway"
        assert here.call(lambda serving: serving) is here.serving
    with pytest.raises(OSError):
        status(f"{here.url}/health")
    here.stop()  # a second time
    assert thread not in threading.enumerate()


def test_what_a_call_raises_is_raised_where_it_was_called() -> None:
    def fails(serving: Serving) -> None:
        raise KeyError("here")

    with running() as here:
        with pytest.raises(KeyError, match="here"):
            here.call(fails)
        assert here.call(lambda _: 7) == 7


def test_before_the_start_and_after_the_end_a_call_says_so() -> None:
    here = made()
    here.stop()
    with pytest.raises(ContractError, match="does not run"):
        here.call(lambda _: None)
    here.start()
    here.stop()
    with pytest.raises(ContractError, match="does not run"):
        here.call(lambda _: None)


def test_calls_from_many_threads_while_it_stops_all_return() -> None:
    ended = []

    def calls(here: EmbeddedGateway) -> None:
        try:
            while True:
                here.call(lambda _: None)
        except ContractError:
            ended.append(True)

    with running() as here:
        threads = [threading.Thread(target=calls, args=(here,)) for _ in range(8)]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert ended == [True] * 8


@pytest.mark.parametrize("key", ["port", "admin_port"])
def test_a_port_in_use_is_a_mistake_in_the_configuration(key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        here = made(**{key: port})
        with pytest.raises(ConfigError, match=f"{key}={port}: cannot be listened on at 127.0.0.1"):
            here.start()
        here.stop()


def test_what_keeps_it_from_starting_is_raised_by_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what would end the process, as uvicorn does when a port was taken in the last moment."""
    for wrong, expected in ((KeyError("no"), KeyError), (SystemExit(1), ContractError)):

        async def ends(*_: object, wrong: BaseException = wrong) -> None:
            raise wrong

        monkeypatch.setattr(Serving, "run", ends)
        here = made()
        with pytest.raises(expected):
            here.start()
        here.stop()


def test_one_that_ends_before_it_is_ready_lets_nobody_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ends(*_: object) -> None: ...

    monkeypatch.setattr(Serving, "run", ends)
    with pytest.raises(ContractError, match="before it was ready"):
        made().start()


@on_loop
async def test_beside_a_running_loop_turns_run_and_those_in_flight_end_with_it() -> None:
    engine = await FakeEngine(answers).start()
    engine.metrics = page(1_001)
    here = made(engine.url)
    try:
        client = await Client.connect(int((await asyncio.to_thread(here.start)).rpartition(":")[2]))
        assert (await client.ask(program_id="p")).status == 200
        engine.behaviour = stalls
        await client.send(b'{"messages": [], "program_id": "p"}')
        await until(lambda: engine.open == 1)
        await asyncio.to_thread(here.stop)
        assert await client.ended()
        await until(lambda: engine.open == 0)
    finally:
        await asyncio.to_thread(here.stop)
        engine.die()
