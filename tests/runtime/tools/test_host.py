"""Programs ask for sandboxes and have them until they are over; time is simulated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.runtime.tools.paced_backend import PacedBackend
from tests.simulated_time import run
from thunderagent.core import DefaultPolicy, Limits, TrPolicy, Usage
from thunderagent.core.resources import Budgets
from thunderagent.errors import SandboxGone, SandboxProblem, SandboxRefused
from thunderagent.runtime import Runtime
from thunderagent.runtime.tools import Command, SandboxProfile, SandboxRequest, ToolHost, ToolSettings

IMAGE = SandboxRequest(image="python:3.12")
OTHER = SandboxRequest(image="node:24")


class Fixture:
    def __init__(self, **arguments: Any) -> None:
        self.backend: PacedBackend = arguments.pop("backend", None) or PacedBackend()
        self.profiles: list[SandboxProfile] = []
        loop = asyncio.get_running_loop()
        owner_id = arguments.pop("owner_id", "me")
        self.tools = ToolHost(self.backend, owner_id, on_sandbox=self.profiles.append, clock=loop.time, **arguments)

    def now(self) -> float:
        return asyncio.get_running_loop().time()


def scenario(function: Callable[[Fixture], Awaitable[None]], **arguments: Any) -> Fixture:
    """Run it with a host that is started before and closed after; nothing is left then."""

    async def whole() -> Fixture:
        fixture = Fixture(**arguments)
        await fixture.tools.start()
        await function(fixture)
        await fixture.tools.close()
        assert (fixture.backend.existing, fixture.backend.closed) == ({}, True)
        return fixture

    return run(whole())


def test_what_is_prepared_ahead_is_there_when_it_is_asked_for() -> None:
    async def program(f: Fixture) -> None:
        f.tools.prepare("p", IMAGE)
        await asyncio.sleep(5)
        began_s = f.now()
        sandbox = await f.tools.acquire("p", IMAGE)
        assert (f.now() - began_s, sandbox.waited_s, sandbox.reused) == (0, 0, False)
        assert (await f.tools.execute("p", sandbox.id, Command("ls"))).text == "python:3.12: ls"
        f.tools.program_over("p")

    (one,) = scenario(program).profiles
    assert (one.outcome, one.prepare_s, one.hidden_s, one.waited_s) == ("used", 1.0, 1.0, 0.0)
    assert one.used_s == pytest.approx(0.1)
    assert one.image == "python:3.12"


def test_a_program_that_asks_at_once_waits_for_the_whole_preparation() -> None:
    async def program(f: Fixture) -> None:
        assert (await f.tools.acquire("p", IMAGE)).waited_s == pytest.approx(1.0)
        f.tools.program_over("p")
        assert f.tools.snapshot()["overlapped_share"] == pytest.approx(0.0)

    (one,) = scenario(program).profiles
    assert (one.prepare_s, one.hidden_s) == (pytest.approx(1.0), pytest.approx(0.0))


def test_half_of_a_preparation_is_hidden_when_the_program_asks_in_the_middle_of_it() -> None:
    async def program(f: Fixture) -> None:
        f.tools.prepare("p", IMAGE)
        await asyncio.sleep(0.5)
        await f.tools.acquire("p", IMAGE)
        f.tools.program_over("p")
        assert f.tools.snapshot()["overlapped_share"] == pytest.approx(0.5)

    scenario(program)


def test_one_more_of_the_same_kind_is_another_sandbox() -> None:
    async def program(f: Fixture) -> None:
        f.tools.prepare("p", IMAGE)
        first, second = await f.tools.acquire("p", IMAGE), await f.tools.acquire("p", IMAGE)
        assert first.id != second.id
        assert [view.status for view in f.tools.of_program("p")] == ["in use", "in use"]

    scenario(program)


def test_what_a_program_gives_back_unused_is_for_the_next() -> None:
    async def programs(f: Fixture) -> None:
        f.tools.prepare("p", IMAGE)
        await asyncio.sleep(2)
        f.tools.program_over("p")
        sandbox = await f.tools.acquire("q", IMAGE)
        assert (sandbox.reused, sandbox.waited_s) == (True, 0)

    fixture = scenario(programs)
    assert [(one.program_id, one.outcome, one.prepare_s) for one in fixture.profiles] == [
        ("p", "unused", 1.0),
        ("q", "used", 0.0),
    ]
    assert fixture.tools.snapshot()["reused"] == 1


def test_a_used_sandbox_is_removed_with_its_program_unless_it_can_be_used_again() -> None:
    async def programs(f: Fixture) -> None:
        for request, there in ((IMAGE, False), (SandboxRequest(image="x", reusable=True), True)):
            sandbox = await f.tools.acquire("p", request)
            f.tools.program_over("p")
            await asyncio.sleep(1)
            assert (sandbox.id in f.backend.existing) is there

    scenario(programs)


def test_a_sandbox_given_back_early_is_gone_and_the_program_goes_on() -> None:
    async def program(f: Fixture) -> None:
        sandbox, other = await f.tools.acquire("p", IMAGE), await f.tools.acquire("p", OTHER)
        f.tools.give_back("p", sandbox.id)
        await asyncio.sleep(1)
        assert list(f.backend.existing) == [other.id]
        with pytest.raises(SandboxGone, match="'p' has no sandbox 'thunderagent-me-1'"):
            await f.tools.execute("p", sandbox.id, Command("ls"))

    scenario(program)


def test_programs_cannot_touch_the_sandboxes_of_others() -> None:
    async def programs(f: Fixture) -> None:
        sandbox = await f.tools.acquire("p", IMAGE)
        with pytest.raises(SandboxGone):
            await f.tools.execute("q", sandbox.id, Command("ls"))
        with pytest.raises(SandboxGone):
            f.tools.give_back("q", sandbox.id)
        f.backend.foreign = {"abc123"}
        await f.tools.attach("p", "abc")
        with pytest.raises(SandboxGone, match="another program's"):
            await f.tools.attach("q", "abc")

    scenario(programs)


def test_whoever_stops_waiting_leaves_nothing_behind() -> None:
    async def program(f: Fixture) -> None:
        waiting = asyncio.create_task(f.tools.acquire("p", IMAGE))
        await asyncio.sleep(0.5)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert f.tools.of_program("p") == []
        assert (await f.tools.acquire("q", IMAGE)).waited_s == pytest.approx(0.5), "the next gets what was on its way"

    assert [one.outcome for one in scenario(program).profiles] == ["given up", "used"]


def test_whoever_waits_when_the_program_ends_is_told() -> None:
    async def program(f: Fixture) -> None:
        waiting = asyncio.create_task(f.tools.acquire("p", IMAGE))
        await asyncio.sleep(0.5)
        f.tools.program_over("p")
        with pytest.raises(SandboxRefused, match="'p': the program is over"):
            await waiting

    scenario(program)


def test_whoever_waits_at_the_shutdown_is_told_and_everything_goes() -> None:
    async def program(f: Fixture) -> None:
        await f.tools.acquire("p", IMAGE)
        waiting = asyncio.create_task(f.tools.acquire("q", IMAGE))
        await asyncio.sleep(0.5)
        closing = asyncio.create_task(f.tools.close())
        with pytest.raises(SandboxRefused, match="the program is over"):
            await waiting
        await closing
        with pytest.raises(SandboxRefused, match="shutting down"):
            await f.tools.acquire("r", IMAGE)

    scenario(program)


def test_a_shutdown_does_not_wait_for_preparations() -> None:
    async def program(f: Fixture) -> None:
        f.tools.prepare("p", IMAGE)
        await asyncio.sleep(0.5)
        began_s = f.now()
        await f.tools.close()
        assert f.now() - began_s < 1

    scenario(program, backend=PacedBackend(prepare_s=1e6))


def test_a_failed_preparation_is_tried_again_after_a_pause() -> None:
    async def program(f: Fixture) -> None:
        f.backend.failures = [SandboxProblem("busy"), RuntimeError("a bug of the backend")]
        assert (await f.tools.acquire("p", IMAGE)).waited_s == pytest.approx(1 + 0.1 + 1 + 1 + 0.1 + 2 + 1)
        f.tools.program_over("p")

    fixture = scenario(program)
    assert fixture.profiles[0].attempts == 3


def test_an_image_that_does_not_exist_is_refused_at_once_for_that_program_alone() -> None:
    async def programs(f: Fixture) -> None:
        f.backend.failures = [SandboxProblem("there is no image 'python:3.12'", permanent=True)]
        with pytest.raises(SandboxRefused, match="no sandbox for program 'p': there is no image") as refusal:
            await f.tools.acquire("p", IMAGE)
        assert refusal.value.retry_after_s is None
        await f.tools.acquire("q", OTHER)
        assert f.tools.snapshot()["refused"] == 1

    scenario(programs)


def test_a_refusal_that_nobody_waited_for_is_not_kept() -> None:
    async def program(f: Fixture) -> None:
        f.backend.failures = [SandboxProblem("not there yet", permanent=True)]
        f.tools.prepare("p", IMAGE)
        await asyncio.sleep(5)
        assert (await f.tools.acquire("p", IMAGE)).waited_s == pytest.approx(1.0)

    scenario(program)


def test_a_preparation_that_takes_too_long_is_ended_and_cleared_up() -> None:
    async def program(f: Fixture) -> None:
        with pytest.raises(SandboxRefused, match="not ready after 10 s"):
            await f.tools.acquire("p", IMAGE)
        assert f.backend.existing == {}

    scenario(program, backend=PacedBackend(prepare_s=1e6), settings=ToolSettings(prepare_timeout_s=10))


def test_without_a_request_the_default_is_given_and_without_a_default_none() -> None:
    async def program(f: Fixture) -> None:
        assert f.tools.of_program((await f.tools.acquire("p")).program_id)[0].image == "python:3.12"

    scenario(program, default=IMAGE)

    async def without(f: Fixture) -> None:
        with pytest.raises(SandboxRefused, match="no image was named, and there is no default"):
            await f.tools.acquire("p")

    scenario(without)


def test_a_default_that_is_not_for_every_program_is_made_for_those_that_ask() -> None:
    async def program(f: Fixture) -> None:
        f.tools.program_began("p")
        await asyncio.sleep(60)  # simulated
        assert f.backend.existing == {}
        await f.tools.acquire("p")
        assert len(f.backend.existing) == 1

    scenario(program, default=IMAGE, for_every_program=False)


def test_removals_that_fail_are_tried_until_they_work() -> None:
    async def program(f: Fixture) -> None:
        await f.tools.acquire("p", IMAGE)
        f.backend.remove_failures = [SandboxProblem("busy"), RuntimeError("a bug")]
        f.tools.program_over("p")
        await asyncio.sleep(10)
        assert f.backend.existing == {}

    scenario(program)


def test_what_cannot_be_removed_in_time_is_told_of_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async def whole() -> None:
        fixture = Fixture(backend=PacedBackend(remove_s=1e6), settings=ToolSettings(close_timeout_s=5))
        await fixture.tools.acquire("p", IMAGE)
        await fixture.tools.close()
        assert len(fixture.backend.existing) == 1

    run(whole())
    assert "1 sandboxes are left" in caplog.text


def test_containers_that_others_made_go_with_the_program_that_attached_them() -> None:
    async def program(f: Fixture) -> None:
        f.backend.foreign = {"abc123", "untouched"}
        assert await f.tools.attach("p", "abc") == "abc123"
        assert await f.tools.attach("p", "abc") == "abc123"
        assert (await f.tools.execute("p", "abc123", Command("ls"))).exit_code == 0
        with pytest.raises(SandboxGone, match="no container 'nope'"):
            await f.tools.attach("p", "nope")
        assert [view.attached for view in f.tools.of_program("p")] == [True]
        f.tools.program_over("p")
        await asyncio.sleep(1)
        assert f.backend.foreign == {"untouched"}

    assert scenario(program).profiles == [], "what others made is not measured"


def test_a_sandbox_that_is_found_to_be_gone_is_forgotten() -> None:
    async def program(f: Fixture) -> None:
        sandbox = await f.tools.acquire("p", IMAGE)
        f.backend.existing.clear()
        with pytest.raises(SandboxGone):
            await f.tools.execute("p", sandbox.id, Command("ls"))
        assert f.tools.of_program("p") == []

    scenario(program)


def test_ports_are_given_to_one_program_at_a_time() -> None:
    async def programs(f: Fixture) -> None:
        assert [await f.tools.lease_port("p"), await f.tools.lease_port("q")] == [20_000, 20_001]
        with pytest.raises(SandboxRefused, match="no port is free") as refusal:
            await f.tools.lease_port("r")
        assert refusal.value.retry_after_s
        f.tools.program_over("p")
        assert await f.tools.lease_port("r") == 20_000

    scenario(programs, ports=range(20_000, 20_002))


def test_programs_that_only_sandboxes_are_known_of_are_over_after_a_while_without_a_call() -> None:
    async def programs(f: Fixture) -> None:
        sandbox = await f.tools.acquire("calls", IMAGE)
        await f.tools.acquire("silent", IMAGE)
        for _ in range(4):
            await asyncio.sleep(30)
            await f.tools.execute("calls", sandbox.id, Command("ls"))
        assert [len(f.tools.of_program(name)) for name in ("calls", "silent")] == [1, 0]

    scenario(programs, settings=ToolSettings(idle_ttl_s=60, sweep_s=10))


def test_a_program_whose_command_takes_long_does_not_expire_and_refused_announcements_leave_nothing() -> None:
    async def programs(f: Fixture) -> None:
        f.backend.failures = [SandboxProblem("no such image", permanent=True)]
        f.tools.prepare("p", OTHER)
        sandbox = await f.tools.acquire("p", IMAGE)
        assert (await f.tools.execute("p", sandbox.id, Command("sleep", timeout_s=500))).exit_code == 0
        assert len(f.tools.of_program("p")) == 1
        f.tools.program_over("p")
        assert f.tools._known.ids() == []

    scenario(programs, backend=PacedBackend(command_s=500), settings=ToolSettings(idle_ttl_s=60, sweep_s=10))


def test_a_program_that_waits_for_its_sandbox_or_that_the_scheduler_knows_does_not_expire() -> None:
    async def programs(f: Fixture) -> None:
        runtime = Runtime(DefaultPolicy(), clock=asyncio.get_running_loop().time)
        runtime.add_backend("a", None)
        f.tools.follow(runtime)
        async with runtime.turn("known", prompt_tokens=1) as turn:
            turn.finish(Usage(1, 1))
        f.tools.prepare("known", IMAGE)
        assert (await f.tools.acquire("patient", OTHER)).waited_s == pytest.approx(200)
        assert len(f.tools.of_program("known")) == 1

    scenario(programs, backend=PacedBackend(prepare_s=200), settings=ToolSettings(idle_ttl_s=60, sweep_s=10))


# With a scheduler


async def turn(runtime: Runtime, program_id: str, *, takes_s: float = 10.0) -> None:
    async with runtime.turn(program_id, prompt_tokens=6_000) as running:
        await asyncio.sleep(takes_s)
        running.finish(Usage(6_000, 10))


def following(f: Fixture, limits: Limits | None = None) -> Runtime:
    """A scheduler that has room for one program."""
    runtime = Runtime(TrPolicy(), limits=limits, clock=asyncio.get_running_loop().time)
    runtime.add_backend("a", 10_000)
    f.tools.follow(runtime)
    return runtime


def test_new_programs_get_the_default_prepared_and_lose_it_at_their_end() -> None:
    async def programs(f: Fixture) -> None:
        runtime = following(f)
        await turn(runtime, "p")
        assert [view.status for view in f.tools.of_program("p")] == ["ready"]
        runtime.release("p")
        assert f.tools.of_program("p") == []
        assert (await f.tools.acquire("only tools", IMAGE)).reused
        assert not runtime.release("only tools"), "the scheduler does not know it"
        assert f.tools.of_program("only tools") == []

    scenario(programs, default=IMAGE)


def test_nothing_is_prepared_for_a_program_that_has_told_what_it_will_need_or_where_that_is_turned_off() -> None:
    async def told(f: Fixture) -> None:
        f.tools.prepare("p", OTHER)
        await turn(following(f), "p")
        assert [view.image for view in f.tools.of_program("p")] == ["node:24"]

    scenario(told, default=IMAGE)

    async def turned_off(f: Fixture) -> None:
        await turn(following(f), "p")
        assert f.tools.of_program("p") == []

    scenario(turned_off, default=IMAGE, ahead=False)


def test_sandboxes_are_prepared_in_the_order_in_which_programs_are_admitted() -> None:
    async def programs(f: Fixture) -> None:
        runtime = following(f)
        turns = [asyncio.create_task(turn(runtime, name)) for name in ("first", "second", "third")]
        await asyncio.sleep(0)
        for name in ("unknown", "third", "second", "first"):
            f.tools.prepare(name, IMAGE)
        await asyncio.gather(*turns)
        # One place: `unknown` was the only one when it began.
        assert f.backend.order == ["unknown", "first", "second", "third"]

    scenario(programs, budgets=Budgets(preparing=1))


def test_a_program_that_is_admitted_goes_before_those_that_still_wait() -> None:
    async def programs(f: Fixture) -> None:
        for name in ("early", "late", "admitted"):
            f.tools.prepare(name, IMAGE)
        await turn(following(f), "admitted")
        assert f.backend.order == ["early", "admitted", "late"]

    scenario(programs, budgets=Budgets(preparing=1))


def test_an_expired_program_loses_its_sandboxes() -> None:
    async def programs(f: Fixture) -> None:
        runtime = following(f, Limits(idle_ttl_s=60))
        await turn(runtime, "p")
        await f.tools.acquire("p")
        await asyncio.sleep(70)
        assert f.backend.existing == {}

    scenario(programs, default=IMAGE)
