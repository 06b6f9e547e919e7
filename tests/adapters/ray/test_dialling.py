"""Frames between a gateway and its scheduler, over calls of a real actor."""

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

from thunderagent.adapters.link.transport import Link, Receiver  # noqa: E402
from thunderagent.adapters.ray.dialling import ActorLink, dial_actor  # noqa: E402
from thunderagent.adapters.ray.peers import Peers  # noqa: E402

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
    """Sends back what it gets; ``later`` only after a while of the loop's own, ``bye`` ends the link."""

    def __init__(self, link: Link, lost: list[str]) -> None:
        self._link, self._lost = link, lost

    def received(self, frame: bytes) -> None:
        if frame == b"bye":
            self._link.send(b"so long")
            self._link.close()
        elif frame.startswith(b"later"):
            asyncio.get_running_loop().call_later(0.05, self._link.send, frame)
        else:
            self._link.send(frame)

    def lost(self, reason: str) -> None:
        self._lost.append(reason)


@ray.remote(num_cpus=0, max_restarts=-1)
class EchoActor:
    def __init__(self) -> None:
        self._losses: list[str] = []
        self._peers = Peers(lambda link: Echo(link, self._losses), poll_s=0.3, silent_s=1.0)
        self._watch: Any = None

    async def open_link(self, peer: str) -> None:
        self._watch = self._watch or asyncio.create_task(self._peers.watch())
        self._peers.open(peer)

    async def exchange(self, peer: str, number: int, frames: list[bytes]) -> Any:
        return await self._peers.exchange(peer, number, frames)

    async def poll(self, peer: str) -> Any:
        return await self._peers.poll(peer)

    async def losses(self) -> list[str]:
        return self._losses

    async def pid(self) -> int:
        return os.getpid()


@asynccontextmanager
async def echo(name: str) -> AsyncIterator[Any]:
    actor = EchoActor.options(name=name, namespace=NAMESPACE, max_concurrency=1000).remote()
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
async def test_frames_come_back_whole_and_in_order_over_many_calls() -> None:
    async with echo("order"):
        link, heard = await dialled("order")
        sent = [b"%d" % n for n in range(500)]
        for n, frame in enumerate(sent):
            link.send(frame)
            if n % 7 == 0:
                await asyncio.sleep(0)  # another iteration of the loop: another call
        assert await heard.take(500) == sent
        link.close()


@in_a_loop
async def test_frames_of_one_iteration_of_the_loop_go_in_one_call() -> None:
    async with echo("batch"):
        link, heard = await dialled("batch")
        assert isinstance(link, ActorLink)
        for n in range(50):
            link.send(b"%d" % n)
        await heard.take(50)
        assert link._number == 1
        link.close()


@in_a_loop
async def test_what_comes_up_later_is_pushed() -> None:
    async with echo("push"):
        link, heard = await dialled("push")
        link.send(b"later")
        async with asyncio.timeout(5):
            assert await heard.take(1) == [b"later"]
        link.close()


@in_a_loop
async def test_a_scheduler_that_hangs_up_sends_its_last_words_first() -> None:
    async with echo("bye"):
        link, heard = await dialled("bye")
        link.send(b"bye")
        assert await heard.take(1) == [b"so long"]
        async with asyncio.timeout(5):
            assert "has closed the link" in await heard.ended
        link.send(b"nobody hears this")


@in_a_loop
async def test_a_gateway_that_hangs_up_is_lost_for_the_scheduler_at_once() -> None:
    async with echo("hangs-up") as actor:
        link, heard = await dialled("hangs-up")
        link.close()

        async def told() -> bool:
            return list(await actor.losses.remote()) == ["has closed its link"]

        await until(told)
        assert not heard.ended.done()


@in_a_loop
async def test_a_gateway_that_falls_silent_is_lost_after_a_while() -> None:
    async with echo("silent") as actor:
        await actor.open_link.remote("of nobody")

        async def told() -> bool:
            return list(await actor.losses.remote()) == ["has not called for 1 s"]

        await until(told)


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
