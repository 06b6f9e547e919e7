"""Sandboxes for code that blocks, in threads other than the host's."""

from __future__ import annotations

import asyncio
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.runtime.tools.threads import NEVER, PATIENCE_S, InstantBackend, living
from thunderagent.errors import ContractError, SandboxGone, SandboxProblem, SandboxRefused
from thunderagent.runtime.tools import BlockingTools, Command, HeldSandbox, SandboxRequest, ToolHost

ANY = SandboxRequest(image="any")


def test_a_program_gets_what_was_announced_and_uses_it_and_gives_it_back() -> None:
    backend = InstantBackend()
    with living(backend) as thread:
        tools = thread.tools
        tools.prepare("p", ANY)
        sandbox = tools.acquire("p", ANY)
        assert tools.execute("p", sandbox.id, Command("ls")).text == "ls\n"
        tools.give_back("p", sandbox.id)
        tools.give_back("p", sandbox.id)  # is no problem
        with pytest.raises(SandboxGone):
            tools.execute("p", sandbox.id, Command("ls"))
        assert backend.order == ["p"]


def test_when_a_program_is_released_what_it_waits_for_is_refused() -> None:
    asked = threading.Event()
    with living(InstantBackend(on_prepare=asked.set)) as thread, ThreadPoolExecutor() as pool:
        waiting = pool.submit(thread.tools.acquire, "p", SandboxRequest(image=NEVER))
        assert asked.wait(PATIENCE_S)
        thread.tools.release("p")
        with pytest.raises(SandboxRefused, match="the program is over"):
            waiting.result(PATIENCE_S)


def test_announcing_does_not_wait_for_a_loop_that_is_blocked() -> None:
    blocked, go_on = threading.Event(), threading.Event()

    def block() -> None:
        blocked.set()
        go_on.wait(PATIENCE_S)

    backend = InstantBackend(on_prepare=block)
    with living(backend) as thread:
        thread.tools.prepare("p", ANY)
        assert blocked.wait(PATIENCE_S)
        thread.tools.prepare("q", ANY)
        assert backend.order == ["p"]
        go_on.set()
        thread.tools.acquire("q", ANY)
        assert backend.order == ["p", "q"]


def test_with_nothing_ahead_announcing_does_nothing() -> None:
    backend = InstantBackend()
    with living(backend, ahead=False) as thread:
        thread.tools.prepare("p", ANY)
        thread.tools.acquire("q", ANY)
        assert backend.order == ["q"]


def test_one_that_may_not_be_had_is_told_to_whoever_asks_for_it() -> None:
    with living(InstantBackend()) as thread:
        thread.tools.prepare("p")
        with pytest.raises(SandboxRefused, match="no image was named"):
            thread.tools.acquire("p")


def test_on_the_hosts_own_loop_nothing_is_waited_for() -> None:
    async def scenario() -> None:
        tools = BlockingTools(ToolHost(InstantBackend(), "test"), asyncio.get_running_loop())
        with pytest.raises(ContractError, match="would wait for itself"):
            tools.acquire("p", ANY)

    asyncio.run(scenario())


def interrupt_the_main_thread() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_who_is_interrupted_while_waiting_does_not_want_it_any_more() -> None:
    with living(InstantBackend(on_prepare=interrupt_the_main_thread)) as thread:
        with pytest.raises(KeyboardInterrupt):
            thread.tools.acquire("p", SandboxRequest(image=NEVER))
        for _ in range(10):  # turns of its loop, in which it learns of it
            with pytest.raises(SandboxGone):
                thread.tools.execute("p", "any", Command("ls"))
        assert thread.host.of_program("p") == []


def test_the_command_of_who_is_interrupted_is_killed() -> None:
    backend = InstantBackend(on_command=interrupt_the_main_thread)
    with living(backend) as thread:
        sandbox = thread.tools.acquire("p", ANY)
        with pytest.raises(KeyboardInterrupt):
            thread.tools.execute("p", sandbox.id, Command(NEVER))
        assert backend.given_up.wait(PATIENCE_S)


def test_a_loop_that_ends_leaves_nobody_waiting() -> None:
    began = threading.Event()

    async def scenario(pool: ThreadPoolExecutor) -> tuple[BlockingTools, Future[HeldSandbox]]:
        tools = BlockingTools(ToolHost(InstantBackend(on_prepare=began.set), "test"), asyncio.get_running_loop())
        waiting = pool.submit(tools.acquire, "p", SandboxRequest(image=NEVER))
        await asyncio.to_thread(began.wait, PATIENCE_S)
        return tools, waiting

    with ThreadPoolExecutor() as pool:
        tools, waiting = asyncio.run(scenario(pool))
        with pytest.raises(SandboxProblem, match="has ended"):
            waiting.result(PATIENCE_S)
    with pytest.raises(SandboxProblem, match="has ended"):
        tools.acquire("p", ANY)
    tools.prepare("p", ANY)  # these have nothing to wait for
    tools.give_back("p", "s")
    tools.release("p")
