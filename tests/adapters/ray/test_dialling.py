"""The way to a scheduler that is an actor, with a real one."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.adapters.ray.conftest import NAMESPACE
from thunderagent.errors import LinkError

ray = pytest.importorskip("ray")

from thunderagent.adapters.link.address import Address  # noqa: E402
from thunderagent.adapters.link.sockets import listen  # noqa: E402
from thunderagent.adapters.link.transport import Link, Receiver  # noqa: E402
from thunderagent.adapters.ray.dialling import dial_actor  # noqa: E402

pytestmark = pytest.mark.usefixtures("local_ray")


class Heard:
    """A receiver that notes what it gets."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[bytes] = asyncio.Queue()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def received(self, frame: bytes) -> None:
        self.frames.put_nowait(frame)

    def lost(self, reason: str) -> None:
        self.ended.set_result(reason)

    async def take(self, count: int) -> list[bytes]:
        return [await self.frames.get() for _ in range(count)]


class Echo:
    """Sends back what it gets."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def received(self, frame: bytes) -> None:
        self._link.send(frame)

    def lost(self, reason: str) -> None:
        pass


@ray.remote(num_cpus=0, max_restarts=-1)
class EchoActor:
    def __init__(self) -> None:
        self._server: asyncio.Server | None = None

    async def address(self) -> Address:
        if self._server is None:
            self._server = await listen("--listen", Address(host="127.0.0.1"), Echo)
        return Address(host="127.0.0.1", port=self._server.sockets[0].getsockname()[1])

    async def pid(self) -> int:
        return os.getpid()


@asynccontextmanager
async def echo(name: str) -> AsyncIterator[Any]:
    actor = EchoActor.options(name=name, namespace=NAMESPACE).remote()
    try:
        await actor.pid.remote()
        yield actor
    finally:
        ray.kill(actor)


def in_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    @functools.wraps(test)
    def run() -> None:
        async def patiently() -> None:
            async with asyncio.timeout(60):
                await test()

        asyncio.run(patiently())

    return run


async def dialled(name: str) -> tuple[Link, Heard]:
    heard: Receiver = Heard()
    return await dial_actor(name, NAMESPACE)(heard), heard  # type: ignore[return-value]


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - what is waited for is in other processes
            await asyncio.sleep(0.05)


@in_a_loop
async def test_frames_go_to_the_actor_and_back_whole_and_in_order() -> None:
    async with echo("order"):
        hosts: list[str] = []
        heard = Heard()
        link = await dial_actor("order", NAMESPACE, hosts.append)(heard)
        sent = [b"%d" % n for n in range(500)]
        for frame in sent:
            link.send(frame)
        assert await heard.take(500) == sent
        assert hosts == ["127.0.0.1"]
        link.close()


@in_a_loop
async def test_a_link_is_lost_with_the_actors_process_and_can_be_dialled_anew() -> None:
    async with echo("killed") as actor:
        link, heard = await dialled("killed")
        link.send(b"before")
        assert await heard.take(1) == [b"before"]
        os.kill(await actor.pid.remote(), signal.SIGKILL)
        async with asyncio.timeout(30):
            assert await heard.ended

        async def again() -> bool:
            nonlocal link, heard
            try:
                link, heard = await dialled("killed")
            except LinkError:
                return False
            return True

        await until(again)
        link.send(b"after")
        assert await heard.take(1) == [b"after"]
        link.close()


@in_a_loop
async def test_nobody_there_is_said_with_name_and_namespace() -> None:
    with pytest.raises(LinkError, match=r"no actor 'nobody' in Ray's namespace 'thunderagent-tests'"):
        await dialled("nobody")
