"""Case 8 with a store: what clients were told outlives the gateway; until all is back, they are asked to come later."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import answers
from tests.adapters.gateway.reliability.client import Client
from tests.adapters.gateway.reliability.process import CHECKOUT, Process, free_port, process
from tests.adapters.gateway.reliability.test_process import engine_with, persistent
from tests.adapters.gateway.reliability.world import World, on_loop, soon, until, world
from tests.disk import Disk


async def recovered(here: World) -> None:
    keeper = here.runtime.keeper
    assert keeper is not None
    await keeper.recover(await keeper.load())


def release(program_id: str) -> bytes:
    return json.dumps({"program_id": program_id}).encode()


@on_loop
async def test_no_first_answer_comes_before_the_program_is_durable() -> None:
    store = Disk()
    async with world(store=store) as here:
        await recovered(here)
        store.may_write.clear()
        for stream in (False, True):
            program_id = f"p-{stream}"
            client = await here.client()
            await client.send(apis.request(program_id=program_id, stream=stream))
            await until(lambda: here.engine.visits and here.gateway.fleet.in_flight)
            waits = asyncio.create_task(client.answer())
            for _ in range(300):
                await asyncio.sleep(0)
            assert not waits.done()
            assert program_id not in store.programs
            store.may_write.set()
            assert (await soon(waits)).status == 200
            assert program_id in store.programs
            store.may_write.clear()
            again = await here.ask(program_id=program_id)  # its second answer waits for nothing
            assert again.status == 200
            client.leave()
        store.may_write.set()


@on_loop
async def test_a_client_that_leaves_while_its_answer_is_held_back_is_forgotten_as_ever() -> None:
    store = Disk()
    async with world(store=store) as here:
        await recovered(here)
        store.may_write.clear()
        client = await here.client()
        await client.send(apis.request(program_id="p"))
        await until(lambda: here.engine.visits)
        client.vanish()
        await until(lambda: here.tables()["open"] == 0)
        store.may_write.set()


@on_loop
async def test_requests_without_a_program_wait_for_no_disk() -> None:
    store = Disk()
    async with world(store=store) as here:
        await recovered(here)
        store.may_write.clear()
        assert (await soon(here.ask())).status == 200
        store.may_write.set()
    assert store.programs == {}


@on_loop
async def test_a_full_disk_holds_no_answer_back_and_is_shown() -> None:
    store = Disk()
    store.failing = "the disk is full"
    async with world(store=store) as here:
        await recovered(here)
        assert (await soon(here.ask(program_id="p"))).status == 200
        assert (await soon(here.post("/programs/release", release("p")))).json["released"]
        assert b"thunderagent_store_behind 1.0" in (await here.get("/metrics")).body
        store.failing = ""


@on_loop
async def test_a_release_is_answered_once_no_crash_can_bring_the_program_back() -> None:
    store = Disk()
    async with world(store=store) as here:
        await recovered(here)
        await here.ask(program_id="p")
        store.may_write.clear()
        waits = asyncio.create_task(here.post("/programs/release", release("p")))
        await until(lambda: not here.runtime.scheduler.programs)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waits.done()
        store.may_write.set()
        assert (await soon(waits)).json == {"program_id": "p", "released": True}
        assert store.programs == {}


@on_loop
async def test_before_all_programs_are_back_clients_are_asked_to_come_later() -> None:
    async with world(store=Disk()) as here:
        ready = await here.get("/ready")
        assert (ready.status, ready.json["problems"]) == (503, ["recovering"])
        refused = await here.ask(program_id="p")
        assert (refused.status, refused.reason, refused.retry_after_s) == (503, "recovering", 1)
        await recovered(here)
        assert (await here.get("/ready")).status == 200
        assert (await here.ask(program_id="p")).status == 200


async def programs_of(gateway: Process) -> dict[str, dict[str, object]]:
    client = await Client.connect(gateway.port)
    programs: dict[str, dict[str, object]] = (await client.get("/programs")).json
    client.leave()
    return programs


@on_loop
async def test_a_gateway_that_is_killed_knows_its_programs_when_it_is_started_again(tmp_path: Path) -> None:
    engine = await engine_with(answers)
    async with process("--backends", engine.url, "--store", str(tmp_path / "state.db")) as gateway:
        for number in range(20):
            await persistent(gateway, f"agent-{number}", 0)
        client = await Client.connect(gateway.port)
        assert (await client.post("/programs/release", release("agent-3"))).json["released"]
        before = await programs_of(gateway)
        await gateway.kill()
        await gateway.start()
        after = await programs_of(gateway)
        assert set(after) == set(before)  # sizes may be of a second ago
        assert len(after) == 19
        assert {program["backend"] for program in after.values()} == {engine.url}
        answer, _ = await persistent(gateway, "agent-5", 1)
        assert answer.status == 200
    engine.die()


def test_a_store_that_cannot_be_used_is_one_line_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"my dear diary " * 400)
    options = ("--backends", "http://127.0.0.1:9", "--port", str(free_port()), "--store", str(tmp_path / "state.db"))
    command = (sys.executable, "-m", "thunderagent", "serve", *options)
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")
    assert len(ended.stderr.splitlines()) == 1
    assert "damaged, or no store" in ended.stderr
