"""The host of sandboxes beside a runtime whose loop is another."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.runtime.tools.threads import NEVER, PATIENCE_S, InstantBackend, living
from thunderagent.core import DefaultPolicy, Usage
from thunderagent.core.resources import Budgets
from thunderagent.errors import SandboxGone, SandboxProblem
from thunderagent.runtime import Runtime
from thunderagent.runtime.tools import Command, SandboxRequest, ToolHost, ToolThread

ANY = SandboxRequest(image="any")


async def run_a_turn(runtime: Runtime, program_id: str, meanwhile: threading.Event | None = None) -> None:
    async with runtime.turn(program_id, prompt_tokens=100) as turn:
        if meanwhile is not None:
            assert await asyncio.to_thread(meanwhile.wait, PATIENCE_S)
        turn.finish(Usage(100, 10))


def runtime_with_an_engine() -> Runtime:
    runtime = Runtime(DefaultPolicy())
    runtime.add_backend("a", 10_000)
    return runtime


def test_a_program_that_begins_gets_one_prepared_and_leaves_nothing_when_it_is_released() -> None:
    prepared = threading.Event()
    backend, runtime = InstantBackend(on_prepare=prepared.set), runtime_with_an_engine()
    with living(backend, runtime=runtime, default=ANY) as thread:
        asyncio.run(run_a_turn(runtime, "p", meanwhile=prepared))
        sandbox = thread.tools.acquire("p")
        runtime.release("p")
        with pytest.raises(SandboxGone):
            thread.tools.execute("p", sandbox.id, Command("ls"))
    assert (backend.order, backend.existing, backend.closed) == (["p"], {}, True)


def test_whoever_runs_is_prepared_for_before_whoever_nothing_is_known_of() -> None:
    runtime, preparing = runtime_with_an_engine(), threading.Event()
    backend = InstantBackend(on_prepare=preparing.set)
    with living(backend, runtime=runtime, budgets=Budgets(preparing=1)) as thread:
        thread.tools.prepare("first", SandboxRequest(image=NEVER))
        assert preparing.wait(PATIENCE_S)
        thread.tools.prepare("unknown", ANY)
        asyncio.run(run_a_turn(runtime, "runs"))
        thread.tools.prepare("runs", ANY)
        with pytest.raises(SandboxGone):  # the host has learnt of all that
            thread.tools.execute("runs", "any", Command("ls"))
        first = thread.host.reactor.pool.queue.first()
        assert first is not None and first.program_id == "runs"
        runtime.release("runs")


def test_it_goes_on_while_the_runtimes_loop_is_blocked() -> None:
    async def blocked(thread: ToolThread) -> str:
        sandbox = thread.tools.acquire("p", ANY)
        return thread.tools.execute("p", sandbox.id, Command("ls")).text

    with living(InstantBackend()) as thread:
        assert asyncio.run(blocked(thread)) == "ls\n"


def test_it_may_be_stopped_at_any_time_and_more_than_once() -> None:
    never_started = ToolThread(ToolHost(InstantBackend(), "test"), Runtime(DefaultPolicy()))
    never_started.stop()
    never_started.stop()
    with pytest.raises(SandboxProblem, match="has ended"):
        never_started.tools.acquire("p", ANY)
    with living(InstantBackend()) as thread:
        thread.start()
        thread.stop()
    thread.program_over("p")  # nobody is there to be told
