"""Turns of gateways are turns of the scheduler that they share."""

from __future__ import annotations

import asyncio

import pytest

from tests.adapters.link.world import one_turn, settled, simulated, world
from thunderagent.core import CapPolicy, DefaultPolicy, Usage
from thunderagent.errors import BackendLost, RequestProblem, TurnRefused
from thunderagent.runtime import EngineTiming, Patience, StepProfile


@simulated
async def test_a_turn_is_admitted_and_its_usage_counted_by_the_scheduler() -> None:
    async with world() as w:
        gateway = await w.gateway()
        async with gateway.turn("g_0", prompt_tokens=100) as turn:
            assert turn.backend == "a"
            await asyncio.sleep(1.0)
            turn.first_token()
            turn.progress(5)
            await settled()
            assert w.desk.runtime.scheduler.programs["g_0"].context_tokens == 105
            turn.finish(Usage(100, 10, 20), EngineTiming(0.1, 0.4, 0.5), tool="bash")
        await settled()
        program = w.desk.runtime.scheduler.programs["g_0"]
        assert (program.context_tokens, program.tool, program.group and program.group.name) == (110, "bash", "g")
        (step,) = w.desk.steps
        assert (step.outcome, step.cached_tokens, step.queue_s, step.prefill_s) == ("completed", 20, 0.1, 0.4)


@simulated
async def test_two_gateways_share_one_program_and_its_place() -> None:
    async with world(policy=DefaultPolicy, backends=("a", "b")) as w:
        first, second = await w.gateway(), await w.gateway()
        places = {await one_turn(gateway, "p") for gateway in (first, second, first, second)}
        await settled()
        assert len(places) == 1
        assert w.desk.runtime.steps("p") == 4


@simulated
async def test_a_turn_waits_until_another_gateway_leaves_room() -> None:
    async with world() as w:
        first, second = await w.gateway(), await w.gateway()
        running = asyncio.create_task(one_turn(first, "p", 10.0))
        await settled()
        waiting = asyncio.create_task(one_turn(second, "q"))
        await asyncio.sleep(5.0)
        assert w.desk.runtime.scheduler.waiting_turns == 1
        await running
        first.release("p")
        await waiting
        await settled()
        assert w.desk.steps[-1].pause_s == pytest.approx(10.0, abs=0.1)


@simulated
async def test_patience_is_the_schedulers() -> None:
    async with world() as w:
        gateway = await w.gateway()
        running = asyncio.create_task(one_turn(gateway, "p", 100.0))
        await settled()
        with pytest.raises(TurnRefused) as refused:
            await one_turn(gateway, "q", patience=Patience(max_wait_s=3.0))
        assert refused.value.cause == "wait_timeout"
        with pytest.raises(TurnRefused) as refused:
            await one_turn(gateway, "q", patience=Patience(max_waiting=0))
        assert refused.value.cause == "queue_full"
        await settled()
        assert set(w.desk.runtime.scheduler.programs) == {"p"}
        await running


@simulated
async def test_a_client_that_leaves_while_its_turn_waits_leaves_no_trace() -> None:
    async with world() as w:
        gateway = await w.gateway()
        running = asyncio.create_task(one_turn(gateway, "p", 10.0))
        await settled()
        waiting = asyncio.create_task(one_turn(gateway, "q"))
        await settled()
        waiting.cancel()
        await settled()
        assert set(w.desk.runtime.scheduler.programs) == {"p"}
        await running


@simulated
async def test_a_try_that_failed_is_repeated_elsewhere_and_stays_one_turn() -> None:
    async with world(policy=DefaultPolicy, backends=("a", "b")) as w:
        gateway = await w.gateway()
        async with gateway.turn("p", prompt_tokens=100) as turn:
            first = turn.backend
            turn.failed(elsewhere=True)
            await turn.again()
            assert turn.backend != first
            turn.finish(Usage(100, 10))
        await settled()
        assert [step.outcome for step in w.desk.steps] == ["completed"]


@simulated
async def test_a_turn_that_loses_its_backend_is_told_and_may_go_on_elsewhere() -> None:
    async with world(policy=DefaultPolicy, backends=("a", "b")) as w:
        gateway = await w.gateway()
        async with gateway.turn("p", prompt_tokens=100) as turn:
            first = turn.backend
            work = asyncio.create_task(turn.run(asyncio.sleep(1_000)))
            await settled()
            w.desk.runtime.remove_backend(first)
            with pytest.raises(BackendLost):
                await work
            await turn.again()
            assert turn.backend not in ("", first)
            turn.finish(Usage(100, 10))
        await settled()
        assert w.desk.runtime.scheduler.counters.aborted == 1


@simulated
async def test_a_program_that_never_ran_is_withdrawn_and_one_that_did_is_not() -> None:
    async with world() as w:
        gateway = await w.gateway()
        await one_turn(gateway, "ran")
        gateway.release("ran")
        async with gateway.turn("failed", prompt_tokens=100):
            pass
        await settled()
        assert set(w.desk.runtime.scheduler.programs) == {"failed"}
        assert gateway.knows("failed")
        gateway.withdraw("failed")
        await settled()
        assert not w.desk.runtime.scheduler.programs
        assert not gateway.knows("failed")


@simulated
async def test_requests_and_weights_are_told_to_the_fleet() -> None:
    async with world() as w:
        gateway = await w.gateway()
        good, bad = gateway.took("a"), gateway.took("a", retry=True)
        await settled()
        assert list(w.desk.in_flight.values()) == [("a", False), ("a", True)]
        assert gateway.in_flight == 2
        gateway.ended("a", True, good)
        gateway.ended("a", False, bad, answered=False)
        for version in ("1", "1", "2"):
            gateway.saw_weights("a", version)
        await settled()
        assert w.desk.verdicts == [("a", True, True), ("a", False, False)]
        assert w.desk.weights == [("a", "1"), ("a", "2")]


@simulated
async def test_containers_are_attached_by_the_scheduler_and_its_problems_come_back() -> None:
    async with world() as w:
        gateway = await w.gateway()
        await gateway.attach("p", ("box",))
        assert w.desk.attached == {"p": ("box",)}
        with pytest.raises(RequestProblem, match="no such container") as problem:
            await gateway.attach("p", ("unknown",))
        assert (problem.value.status, problem.value.param) == (400, "docker_ids")
        with pytest.raises(RequestProblem) as problem:
            await gateway.attach("p", ("breaks",))
        assert problem.value.status == 500
        hanging = asyncio.create_task(gateway.attach("p", ("hangs",)))
        await settled()
        w.kill_scheduler()
        with pytest.raises(RequestProblem) as problem:
            await hanging
        assert problem.value.reason == "no_scheduler"


@simulated
async def test_the_end_of_a_rollout_is_told_with_the_programs_that_are_known() -> None:
    async with world() as w:
        ended: list[list[str]] = []
        gateway = await w.gateway(on_end_rollout=ended.append)
        await one_turn(gateway, "p")
        assert w.server is not None
        w.server.end_rollout()
        await settled()
        assert ended == [["p"]]


@simulated
async def test_gateways_are_told_when_a_backend_comes_or_is_not_well() -> None:
    async with world() as w:
        gateway = await w.gateway()
        assert [(backend.id, backend.healthy) for backend in gateway.backends] == [("a", True)]
        w.desk.runtime.add_backend("b", 10)
        w.desk.runtime.set_health("a", healthy=False)
        await asyncio.sleep(1.5)
        assert [(backend.id, backend.healthy) for backend in gateway.backends] == [("a", False), ("b", True)]


@simulated
async def test_a_gateway_that_is_lost_takes_its_turns_and_requests_with_it_and_no_others() -> None:
    async with world(policy=lambda: CapPolicy(2)) as w:
        lost, other = await w.gateway(), await w.gateway()
        tasks = [asyncio.create_task(one_turn(gateway, name, 50.0)) for gateway, name in ((lost, "p"), (other, "q"), (lost, "r"))]
        lost.took("a")
        await settled()
        link = w.links[0]
        link.other.broken()  # the scheduler hears of it first
        await settled()
        programs = w.desk.runtime.scheduler.programs
        assert [name for name in programs if programs[name].running] == ["q"]
        assert w.desk.runtime.scheduler.waiting_turns == 0
        assert w.desk.verdicts == [("a", None, False)]
        for task in tasks:
            task.cancel()


@simulated
async def test_a_gateway_knows_enough_of_a_step_for_its_traces() -> None:
    async with world() as w:
        steps: list[StepProfile] = []
        gateway = await w.gateway(on_step=steps.append)
        await one_turn(gateway, "p", 2.0)
        (step,) = steps
        assert (step.outcome, step.prompt_tokens, step.backend, step.step_id) == ("completed", 100, "a", 0)
        assert step.decode_s == pytest.approx(2.0)
