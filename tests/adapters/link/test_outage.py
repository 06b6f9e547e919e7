"""A scheduler dies, hangs, comes back or is another version: gateways go on, and nothing is counted twice."""

from __future__ import annotations

import asyncio

import pytest

from tests.adapters.link.world import one_turn, settled, simulated, world
from thunderagent.adapters.link import lifeline, server
from thunderagent.adapters.link import messages as m
from thunderagent.adapters.link.runtime import GRACE_S, RETRY_AFTER_S, chosen
from thunderagent.adapters.link.transport import Link, Receiver
from thunderagent.core import CapPolicy, DefaultPolicy, Status, Usage
from thunderagent.errors import RequestProblem, TurnRefused

BACKENDS = ("a", "b", "c")


@simulated
async def test_a_running_turn_goes_on_and_the_next_scheduler_adopts_it() -> None:
    async with world(policy=DefaultPolicy, backends=BACKENDS) as w:
        gateway = await w.gateway()
        async with gateway.turn("p", prompt_tokens=100) as turn:
            request = gateway.took(turn.backend)
            await asyncio.sleep(5.0)
            w.kill_scheduler()
            await asyncio.sleep(10.0)
            turn.progress(50)
            w.start_scheduler()
            await asyncio.sleep(3.0)
            program = w.desk.runtime.scheduler.programs["p"]
            assert (program.status, program.backend and program.backend.id) == (Status.REASONING, turn.backend)
            assert list(w.desk.in_flight.values()) == [(turn.backend, False)]
            gateway.ended(turn.backend, True, request)
            turn.finish(Usage(100, 60, 0))
        await settled()
        assert (program.status, program.context_tokens) == (Status.ACTING, 160)
        counters = w.desk.runtime.scheduler.counters
        assert (counters.adopted, counters.turns, counters.late_events) == (1, 0, 0)
        (step,) = w.desk.steps
        assert (step.outcome, step.completion_tokens) == ("completed", 60)
        assert step.decode_s == pytest.approx(18.0, abs=0.1), "from its admission, not from its adoption"


@simulated
async def test_a_waiting_turn_is_asked_for_again_when_the_scheduler_is_back_within_the_grace() -> None:
    async with world() as w:
        gateway = await w.gateway()
        running = asyncio.create_task(one_turn(gateway, "p", 8.0))
        await settled()
        waiting = asyncio.create_task(one_turn(gateway, "q"))
        await settled()
        w.kill_scheduler()
        await asyncio.sleep(0.1)
        w.start_scheduler()
        await asyncio.sleep(2.5)
        scheduler = w.desk.runtime.scheduler
        assert (scheduler.waiting_turns, scheduler.counters.adopted) == (1, 1), "it waits for the slot that the other has"
        await running
        gateway.release("p")
        await waiting
        assert gateway.passed_through == 0


@simulated
async def test_after_the_grace_turns_pass_through_each_program_to_a_backend_of_its_own() -> None:
    async with world(policy=DefaultPolicy, backends=BACKENDS) as w:
        gateway = await w.gateway()
        w.kill_scheduler()
        await settled()
        began_s = asyncio.get_running_loop().time()
        first = await one_turn(gateway, "p", 0.0)
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(GRACE_S)
        assert await one_turn(gateway, "p", 0.0) == first, "and at once"
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(GRACE_S)
        assert {await one_turn(gateway, f"p{index}", 0.0) for index in range(30)} == set(BACKENDS)
        assert gateway.passed_through == 32


@simulated
async def test_a_try_that_fails_without_a_scheduler_goes_elsewhere() -> None:
    async with world(policy=DefaultPolicy, backends=BACKENDS) as w:
        gateway = await w.gateway()
        w.kill_scheduler()
        await asyncio.sleep(GRACE_S + 1)
        async with gateway.turn("p") as turn:
            first = turn.backend
            turn.failed(elsewhere=True)
            await turn.again()
            assert turn.backend != first


@simulated
async def test_a_turn_between_two_tries_arrives_anew_at_the_next_scheduler() -> None:
    async with world(policy=DefaultPolicy, backends=BACKENDS) as w:
        gateway = await w.gateway()
        async with gateway.turn("p", prompt_tokens=100) as turn:
            turn.failed()
            w.kill_scheduler()
            await settled()
            w.start_scheduler()
            await asyncio.sleep(2.5)
            assert not w.desk.runtime.scheduler.programs, "it is nowhere"
            await turn.again()
            turn.finish(Usage(100, 1))
        await settled()
        assert (w.desk.runtime.scheduler.counters.turns, w.desk.steps[0].outcome) == (1, "completed")


@simulated
async def test_only_backends_that_were_well_get_turns_that_pass_through() -> None:
    async with world(policy=DefaultPolicy, backends=BACKENDS) as w:
        gateway = await w.gateway()
        w.desk.runtime.set_health("a", healthy=False)
        await asyncio.sleep(1.5)
        w.kill_scheduler()
        await asyncio.sleep(GRACE_S + 1)
        assert {await one_turn(gateway, f"p{index}", 0.0) for index in range(30)} == {"b", "c"}


@simulated
async def test_without_a_scheduler_and_without_a_backend_a_turn_is_refused() -> None:
    async with world() as w:
        w.kill_scheduler()
        gateway = await w.gateway()
        for _ in range(2):  # after the grace, and at once
            with pytest.raises(TurnRefused) as refused:
                await one_turn(gateway, "p")
            assert (refused.value.cause, refused.value.retry_after_s) == ("no_backend", RETRY_AFTER_S)
        with pytest.raises(RequestProblem):
            await gateway.attach("p", ("box",))


@simulated
async def test_a_link_that_breaks_is_dialled_again_and_its_turns_come_back() -> None:
    async with world(policy=lambda: CapPolicy(2)) as w:
        gateway = await w.gateway()
        running = asyncio.create_task(one_turn(gateway, "p", 20.0))
        await settled()
        w.links[0].broken()
        w.links[0].other.broken()
        await settled()
        assert not gateway.line.connected
        await asyncio.sleep(1.0)
        assert gateway.line.connected
        program = w.desk.runtime.scheduler.programs["p"]
        assert program.status is Status.REASONING
        await running
        await settled()
        counters = w.desk.runtime.scheduler.counters
        assert (counters.turns, counters.admitted, counters.cancelled, counters.adopted) == (1, 1, 1, 1)
        assert program.context_tokens == 110


@simulated
async def test_a_cut_network_is_noticed_on_both_sides() -> None:
    """No end of a connection is told of it: what is sent is lost, and nothing comes."""
    async with world(policy=lambda: CapPolicy(2)) as w:
        gateway = await w.gateway()
        running = asyncio.create_task(one_turn(gateway, "p", 60.0))
        await settled()
        link = w.links[0]
        link.silent = link.other.silent = True
        await asyncio.sleep(lifeline.SILENT_S + 2 * lifeline.BEAT_S)
        assert len(w.links) == 2
        program = w.desk.runtime.scheduler.programs["p"]
        assert len(program.running) == 2, "the scheduler has heard nothing of the old link's end"
        assert w.server is not None
        assert w.server.gateways == 2
        await asyncio.sleep(server.SILENT_S)
        assert (w.server.gateways, len(program.running)) == (1, 1)
        running.cancel()


@simulated
async def test_a_gateway_of_another_version_is_told_once_and_its_turns_pass_through(caplog: pytest.LogCaptureFixture) -> None:
    async with world(policy=DefaultPolicy) as w:
        gateway = await w.gateway()
        w.kill_scheduler()
        await settled()
        w.start_scheduler()
        dial = w.dial

        async def to_another_version(receiver: Receiver) -> Link:
            link = await dial(receiver)
            send = link.send
            link.send = lambda frame: send(m.encode(m.Hello(2)) if b"hello" in frame else frame)  # type: ignore[method-assign]
            return link

        gateway.line._dial = to_another_version
        await asyncio.sleep(60.0)
        assert await one_turn(gateway, "p") == "a"
        assert gateway.passed_through == 1
        said = [r.message for r in caplog.records if "speaks version 2" in r.message and r.name.endswith("lifeline")]
        assert len(said) == 1, said
        assert "install one thunderagent on both" in said[0]


@simulated
async def test_a_scheduler_of_another_version_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    async with world(policy=DefaultPolicy) as w:
        w.kill_scheduler()
        gateway = await w.gateway()
        gateway.line._gone = asyncio.get_running_loop().create_future()
        gateway.line.received(m.encode(m.Welcome(2, 1, False)))
        assert "speaks version 2" in gateway.line._gone.result()
        assert not gateway.line.connected


@simulated
async def test_who_has_no_token_or_another_is_sent_away() -> None:
    async with world() as w:
        w.token = "secret"
        w.start_scheduler()
        right = await w.gateway(token="secret")
        wrong, none = await w.gateway(token="Secret"), await w.gateway()
        assert (right.line.connected, wrong.line.connected, none.line.connected) == (True, False, False)
        assert w.server is not None
        assert w.server.gateways == 1


@simulated
async def test_counts_are_told_each_second_and_a_last_time_at_the_end() -> None:
    async with world() as w:
        told = iter([m.Http([("/v1/chat/completions", 200, 3)], [], 0, 0, 0, 2), m.Http([], [], 0, 0, 1, 1)])
        last = m.Http([], [("draining", 1)], 0, 0, 0, 0)
        await w.gateway(http=lambda: next(told, last))
        await asyncio.sleep(1.1)
        assert (w.desk.counts[-1].answers, w.desk.open_requests) == ([("/v1/chat/completions", 200, 3)], 2)
        await asyncio.sleep(1.0)
        assert w.desk.open_requests == 1
        w._tasks[0].cancel()
        await settled()
        assert any(counts.problems for counts in w.desk.counts)
        assert w.desk.open_requests == 0


def test_few_programs_change_their_place_when_a_backend_goes() -> None:
    names = [f"p{index}" for index in range(1_000)]
    before = {name: chosen(name, ["a", "b", "c", "d"]) for name in names}
    after = {name: chosen(name, ["a", "b", "c"]) for name in names}
    assert all(after[name] == before[name] for name in names if before[name] != "d")
    assert chosen("p", ["a"], avoid="a") == "a"
