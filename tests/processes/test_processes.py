"""Real processes: one scheduler, two gateways on one port, and what becomes of clients when any of them dies."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import SSE_HEAD, answers, chunk
from tests.adapters.gateway.reliability.client import Answer, Client
from tests.adapters.gateway.reliability.fake_engine import FakeEngine, Visit
from tests.adapters.gateway.reliability.process import Process, free_port, process
from tests.adapters.gateway.reliability.test_process import persistent
from tests.adapters.gateway.reliability.watched import page
from tests.adapters.gateway.reliability.world import on_loop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")

AGENTS, TURNS = 20, 8


async def engine_with(behaviour: object) -> FakeEngine:
    engine = await FakeEngine(behaviour).start()  # type: ignore[arg-type]
    engine.metrics = page(10_001)
    return engine


async def slowly(visit: Visit) -> None:
    await asyncio.sleep(0.02)
    await answers(visit)


def children(gateway: Process) -> list[int]:
    """The scheduler first, as it was started first; gateways behind it."""
    assert gateway._process is not None
    pid = gateway._process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def ask(port: int, path: str) -> Answer:
    client = await Client.connect(port)
    try:
        return await client.get(path)
    finally:
        client.leave()


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


async def metric(port: int, name: str) -> float:
    """The sum of its series, from whichever gateway answers."""
    lines = (await ask(port, "/metrics")).body.decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))


async def metric_becomes(port: int, name: str, value: float) -> None:
    """Counts of gateways are told each second."""
    async with asyncio.timeout(20):
        while await metric(port, name) != value:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.2)


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    os.kill(pid, number)


@on_loop
async def test_a_scheduler_that_is_killed_under_load_costs_no_client_an_error_and_no_turn_its_count() -> None:
    gate = asyncio.Event()

    async def two_halves(visit: Visit) -> None:
        if not visit.stream:
            await slowly(visit)
            return
        await visit.write(SSE_HEAD + chunk(apis.event(visit.path)))
        await gate.wait()
        await visit.write(chunk(apis.event(visit.path)) + chunk(apis.last_events(visit.path)) + b"0\r\n\r\n")
        visit.end()

    engine = await engine_with(two_halves)
    async with process("--backends", engine.url, "--gateways", "2") as gateway:
        statuses: Counter[int] = Counter()
        began = asyncio.Event()

        async def agent(name: str) -> None:
            client = await Client.connect(gateway.port)
            for turn in range(TURNS):
                answer = await client.ask(program_id=name, user=f"{name}/{turn}")
                statuses[answer.status] += 1
                if turn == 2:
                    began.set()
            client.leave()

        streams = [await Client.connect(gateway.port) for _ in range(6)]
        for number, client in enumerate(streams):
            await client.send(apis.request(stream=True, program_id=f"stream-{number}"))
            assert (await client.head())[0] == 200
            await client.piece()
        agents = asyncio.gather(*(agent(f"agent-{number}") for number in range(AGENTS)))
        await began.wait()
        scheduler = children(gateway)[0]
        kill(scheduler)
        await agents
        assert statuses == {200: AGENTS * TURNS}, "nobody saw an error, and nobody had to ask twice"
        await eventually(lambda: not lives(scheduler) and len(children(gateway)) == 3)
        async with asyncio.timeout(20):  # on a slow machine, turns of agents that have passed through are adopted, too
            while await metric(gateway.port, "thunderagent_turns_adopted_total") < len(streams):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.2)
        programs = (await ask(gateway.port, "/programs?status=reasoning")).json
        assert set(programs) == {f"stream-{number}" for number in range(6)}
        gate.set()
        for client in streams:
            while await client.piece():
                pass
        await metric_becomes(gateway.port, "thunderagent_http_open_requests", 0)
        assert not (await ask(gateway.port, "/programs?status=reasoning")).json
        arrived = await metric(gateway.port, "thunderagent_turns_total")
        await client_turn(gateway.port, "agent-0")
        assert await metric(gateway.port, "thunderagent_turns_total") == arrived + 1
        steps = await metric(gateway.port, "thunderagent_steps_total")
        adopted = await metric(gateway.port, "thunderagent_turns_adopted_total")
        assert steps == arrived + 1 + adopted, "each turn that it has seen is one step"
        assert await metric(gateway.port, "thunderagent_late_events_total") == 0
    engine.die()


async def client_turn(port: int, program_id: str) -> None:
    client = await Client.connect(port)
    assert (await client.ask(program_id=program_id)).status == 200
    client.leave()


@on_loop
async def test_a_gateway_that_is_killed_breaks_its_connections_and_its_programs_go_on_in_the_other() -> None:
    engine = await engine_with(slowly)
    async with process("--backends", engine.url, "--gateways", "2") as gateway:
        tried: Counter[int] = Counter()
        began = asyncio.Event()

        async def agent(name: str) -> None:
            for turn in range(TURNS):
                answer, tries = await persistent(gateway, name, turn)
                assert answer.status == 200
                tried[tries] += 1
                if turn == 2:
                    began.set()

        agents = asyncio.gather(*(agent(f"agent-{number}") for number in range(AGENTS)))
        await began.wait()
        scheduler, *gateways = children(gateway)
        kill(gateways[0])
        await agents
        assert tried.total() == AGENTS * TURNS
        programs = (await ask(gateway.port, "/programs")).json
        assert set(programs) == {f"agent-{number}" for number in range(AGENTS)}
        assert all(program["step_count"] >= TURNS for program in programs.values()), "they are the same programs as before"
        assert lives(scheduler)
        await eventually(lambda: len(children(gateway)) == 3)
    engine.die()


@on_loop
async def test_streams_end_whole_when_the_supervisor_is_asked_to_stop_and_nothing_is_left() -> None:
    gate = asyncio.Event()

    async def two_halves(visit: Visit) -> None:
        await visit.write(SSE_HEAD + chunk(apis.event(visit.path)))
        await gate.wait()
        await visit.write(chunk(apis.event(visit.path)) + chunk(apis.last_events(visit.path)) + b"0\r\n\r\n")
        visit.end()

    engine = await engine_with(two_halves)
    async with process("--backends", engine.url, "--gateways", "2") as gateway:
        clients = [await Client.connect(gateway.port) for _ in range(40)]
        idle = [await Client.connect(gateway.port) for _ in range(8)]
        for number, client in enumerate(clients):
            await client.send(apis.request(stream=True, program_id=f"p{number}"))
            await client.head()
            await client.piece()
        processes = children(gateway)
        gateway.signal(signal.SIGTERM)
        for client in idle:
            while (ready := await client.get("/ready")).status == 200:  # a signal takes a moment
                pass
            assert ready.json["problems"] == ["draining"]
        assert lives(processes[0]), "the scheduler ends last"
        gate.set()
        for client in clients:
            rest = b""
            while piece := await client.piece():
                rest += piece
            assert b"[DONE]" in rest
        assert await gateway.ended() == 0
        assert not any(map(lives, processes))
    engine.die()


@on_loop
async def test_all_processes_end_with_their_supervisor_however_it_ends() -> None:
    engine = await engine_with(answers)
    async with process("--backends", engine.url, "--gateways", "2") as gateway:
        processes = children(gateway)
        assert len(processes) == 3
        await gateway.kill()
        await eventually(lambda: not any(map(lives, processes)))
    engine.die()


@on_loop
async def test_counts_of_all_gateways_are_in_one_page_and_controls_reach_the_scheduler_through_any() -> None:
    engine = await engine_with(answers)
    async with process("--backends", engine.url, "--gateways", "2", "--profile") as gateway:
        clients = [await Client.connect(gateway.port) for _ in range(12)]
        for number, client in enumerate(clients):
            assert (await client.ask(program_id=f"p{number}")).status == 200
        await metric_becomes(gateway.port, "thunderagent_http_answers_total", 12)
        for client in clients:
            assert set((await client.get("/programs")).json) == {f"p{number}" for number in range(12)}
        assert (await clients[0].post("/programs/release", b'{"program_id": "p0"}')).status == 200
        assert set((await clients[2].get("/programs")).json) == {f"p{number}" for number in range(1, 12)}
        assert await metric(gateway.port, "thunderagent_scheduler_connected") == 1
    engine.die()


@on_loop
async def test_a_scheduler_and_gateways_of_other_machines_share_a_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-secret\n")
    token.chmod(0o600)
    engine = await engine_with(answers)
    there = f"tcp:127.0.0.1:{free_port()}"
    of_link = ("--link-token-file", str(token))
    async with process("--backends", engine.url, "--listen", there, *of_link) as scheduler:  # noqa: SIM117 - one after the other
        async with process("--scheduler", there, *of_link) as gateway:
            await client_turn(gateway.port, "p")
            assert set((await ask(scheduler.port, "/programs")).json) == {"p"}
            assert set((await ask(gateway.port, "/programs")).json) == {"p"}
            await scheduler.kill()
            client = await Client.connect(gateway.port)
            assert (await client.ask(program_id="p")).status == 200, "after the grace, it passes through"
            ready = await client.get("/ready")
            assert (ready.status, ready.json["scheduler"]) == (200, "lost")
            refused = await client.get("/programs")
            assert (refused.status, refused.reason) == (503, "no_scheduler")
            assert (await client.get("/health")).json["status"] == "ok"
            assert (await client.get("/v1/models")).status == 200
            assert await metric(gateway.port, "thunderagent_turns_passed_through_total") == 1
            assert await metric(gateway.port, "thunderagent_scheduler_connected") == 0
            await scheduler.start()
            async with asyncio.timeout(20):
                while await metric(gateway.port, "thunderagent_scheduler_connected") != 1:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.1)
            await metric_becomes(gateway.port, "thunderagent_turns_passed_through_total", 1)
    engine.die()
