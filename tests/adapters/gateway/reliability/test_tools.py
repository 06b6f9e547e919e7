"""Case: sandboxes live and die with their programs, whatever becomes of turns."""

from __future__ import annotations

import json

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.fake_engine import Visit
from tests.adapters.gateway.reliability.test_limits import each_api
from tests.adapters.gateway.reliability.world import World, on_loop, soon, until, world
from tests.memory_sandboxes import MemorySandboxes
from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools import SandboxRequest, SandboxView, ToolHost


async def fails(visit: Visit) -> None:
    """As an engine answers what it does not like."""
    visit.respond(400, b'{"error": {"message": "no"}}')


def of(here: World, program_id: str) -> list[SandboxView]:
    assert here.gateway.tools is not None
    return here.gateway.tools.of_program(program_id)


async def release(here: World, program_id: str) -> None:
    client = await here.client()
    answer = await client.post("/programs/release", json.dumps({"program_id": program_id}).encode())
    assert answer.status == 200
    client.leave()


@each_api
@on_loop
async def test_containers_are_attached_with_the_first_turn_and_removed_with_the_program(path: str) -> None:
    backend = MemorySandboxes("box", "other")
    async with world(tools=ToolHost(backend, "owner")) as here:
        client = await here.client()
        for _ in range(3):
            assert (await client.ask(path, program_id="p", docker_ids=["box"])).status == 200
        assert backend.asked == ["box"]  # once
        assert [json.loads(visit.body) for visit in here.engine.visits] == [json.loads(apis.request(path))] * 3
        assert [(view.id, view.status, view.attached) for view in of(here, "p")] == [("box", "in use", True)]
        await release(here, "p")
        await until(lambda: backend.containers == {"other"})


@on_loop
async def test_the_program_may_be_named_in_a_header() -> None:
    async with world(tools=ToolHost(MemorySandboxes("box"), "owner")) as here:
        client = await here.client()
        assert (await client.ask(docker_ids=["box"], headers="x-program-id: p\r\n")).status == 200
        assert [view.id for view in of(here, "p")] == ["box"]


@on_loop
async def test_an_unknown_container_is_the_matter_of_its_program_alone() -> None:
    async with world(tools=ToolHost(MemorySandboxes("box"), "owner")) as here:
        client = await here.client()
        refused = await client.ask(program_id="p", docker_ids=["nowhere"])
        assert (refused.status, refused.reason) == (400, "unknown_container")
        assert "nowhere" in refused.json["error"]["message"]
        assert (await client.ask(program_id="q", docker_ids=["box"])).status == 200
        stolen = await client.ask(program_id="p", docker_ids=["box"])
        assert (stolen.status, stolen.reason) == (400, "unknown_container")
        assert (await client.ask(program_id="p")).status == 200
        assert len(here.engine.visits) == 2


@on_loop
async def test_a_container_engine_that_is_gone_is_told_with_its_reason() -> None:
    backend = MemorySandboxes("box")
    async with world(tools=ToolHost(backend, "owner")) as here:
        client = await here.client()
        backend.problem = SandboxProblem("cannot connect to unix:///run/docker.sock")
        refused = await client.ask(program_id="p", docker_ids=["box"])
        assert (refused.status, refused.reason, refused.retry_after_s) == (503, "tools_failed", 5)
        assert "unix:///run/docker.sock" in refused.json["error"]["message"]
        backend.problem = None
        assert (await client.ask(program_id="p", docker_ids=["box"])).status == 200


@on_loop
async def test_without_tools_or_a_program_the_client_is_told_what_to_do() -> None:
    async with world() as here:
        client = await here.client()
        refused = await client.ask(program_id="p", docker_ids=["box"])
        assert (refused.status, refused.reason) == (400, "no_tools")
        assert "--tools docker" in refused.json["error"]["message"]
        assert (await client.ask(program_id="p", docker_ids=[])).status == 200
    async with world(tools=ToolHost(MemorySandboxes("box"), "owner")) as here:
        nobodys = await (await here.client()).ask(docker_ids=["box"])
        assert (nobodys.status, nobodys.reason) == (400, "missing_program_id")
        assert not here.engine.visits


@on_loop
async def test_a_first_turn_that_fails_does_not_cost_what_was_asked_for() -> None:
    """Clients send it again, with the ids that they were given."""
    backend = MemorySandboxes("box")
    tools = ToolHost(backend, "owner")
    async with world(fails, tools=tools) as here:
        client = await here.client()
        held = await tools.acquire("p", SandboxRequest("image"))
        assert (await client.ask(program_id="p", docker_ids=["box"])).status == 400
        assert not here.runtime.scheduler.programs
        assert [view.id for view in of(here, "p")] == [held.id, "box"]
        await release(here, "p")
        await until(lambda: not backend.made and not backend.containers)


@on_loop
async def test_what_was_prepared_unasked_goes_with_a_program_that_never_ran() -> None:
    backend = MemorySandboxes()
    tools = ToolHost(backend, "owner", default=SandboxRequest("image"))
    async with world(fails, tools=tools) as here:
        client = await here.client()
        assert (await client.ask(program_id="p")).status == 400
        assert not here.runtime.scheduler.programs
        assert (tools.snapshot()["unused"], of(here, "p")) == (1, [])


@on_loop
async def test_every_program_finds_its_sandbox_ready_and_a_request_without_a_name_gets_none() -> None:
    backend = MemorySandboxes()
    tools = ToolHost(backend, "owner", default=SandboxRequest("image"))
    async with world(tools=tools) as here:
        client = await here.client()
        assert (await client.ask()).status == 200
        assert not backend.made
        assert (await client.ask(program_id="p")).status == 200
        await until(lambda: len(backend.made) == 1)
        assert (await soon(tools.acquire("p"))).waited_s == 0


@on_loop
async def test_a_client_that_leaves_does_not_want_its_sandbox_any_more() -> None:
    backend = MemorySandboxes()
    backend.gate.clear()
    async with world(tools=ToolHost(backend, "owner")) as here:
        client = await here.client()
        await client.send(b'{"image": "python"}', "/programs/train/5_0/tools")
        await until(lambda: of(here, "train/5_0"))
        client.leave()
        await until(lambda: not of(here, "train/5_0"))
        backend.gate.set()


@on_loop
async def test_a_client_that_leaves_ends_its_command() -> None:
    backend = MemorySandboxes()
    tools = ToolHost(backend, "owner")
    async with world(tools=tools) as here:
        held = await tools.acquire("p", SandboxRequest("image"))
        backend.gate.clear()
        client = await here.client()
        await client.send(b'{"command": "sleep 1000"}', f"/programs/p/tools/{held.id}/exec")
        await until(lambda: backend.commands)
        client.leave()
        await until(lambda: backend.given_up == 1)
        assert [view.id for view in of(here, "p")] == [held.id]
        backend.gate.set()
