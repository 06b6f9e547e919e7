"""Sandboxes of programs over HTTP: what is asked, what is answered, and what is wrong in words."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from tests.memory_sandboxes import MemorySandboxes
from thunderagent.adapters.gateway.manage.metrics.sandboxes import DERIVED, READ, SandboxMetrics
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.core.resources import Budgets
from thunderagent.errors import SandboxProblem
from thunderagent.runtime.tools import Command, SandboxProfile, SandboxRequest, ToolHost

from .support import API, Gateway, run
from .test_prometheus import scraped

DEFAULT = SandboxRequest("python:3.12", setup="pip install pytest", environment={"A": "1"})


class WithTools(Gateway):
    """A gateway over sandboxes that are notes."""

    def __init__(self, *containers: str, settings: GatewaySettings | None = None, **options: Any) -> None:
        self.sandboxes = MemorySandboxes(*containers)
        self.host = ToolHost(self.sandboxes, "me", on_sandbox=self._took, **options)
        self.sandbox_metrics = SandboxMetrics(self.host)
        collectors = (self.sandbox_metrics,)
        super().__init__(settings=settings or GatewaySettings(), tools=self.host, collectors=collectors)

    def _took(self, sandbox: SandboxProfile) -> None:
        self.sandbox_metrics.put(sandbox)

    async def sandbox(self, program_id: str = "p", **wanted: Any) -> str:
        answer = await self.post(f"/programs/{program_id}/tools", {"image": "i", **wanted})
        assert answer.status == 200, answer
        return str(answer.json["sandbox_id"])


def test_a_sandbox_is_asked_for_used_and_given_back() -> None:
    async def scenario() -> None:
        gateway = WithTools()
        answer = await gateway.post("/programs/p/tools", {"image": "python:3.12", "memory_bytes": 1e9, "network": True})
        sandbox_id = answer.json["sandbox_id"]
        assert answer.status == 200
        assert answer.json == {
            "sandbox_id": sandbox_id,
            "backend": "docker",
            "reused": False,
            "waited_s": answer.json["waited_s"],
        }
        assert gateway.sandboxes.made == {sandbox_id: SandboxRequest("python:3.12", memory_bytes=10**9, network=True)}
        asked = {"command": "pytest", "workdir": "/repo", "environment": {"B": "2"}, "timeout_s": 60}
        output = await gateway.post(f"/programs/p/tools/{sandbox_id}/exec", asked)
        assert (output.status, output.json) == (200, {"output": "did pytest", "exit_code": 0, "truncated": False})
        assert gateway.sandboxes.commands == [(sandbox_id, Command("pytest", "/repo", {"B": "2"}, 60.0))]
        shown = await gateway.get("/programs/p/tools")
        view = {"id": sandbox_id, "image": "python:3.12", "status": "in use"}
        assert shown.json == {
            "program_id": "p",
            "sandboxes": [{**view, "attached": False, "reused": False, "disk_bytes": 100}],
        }
        given = await gateway.ask("DELETE", f"/programs/p/tools/{sandbox_id}")
        assert (given.status, given.json) == (200, {"sandbox_id": sandbox_id})
        assert (await gateway.get("/programs/p/tools")).json["sandboxes"] == []
        assert (await gateway.ask("DELETE", f"/programs/p/tools/{sandbox_id}")).reason == "unknown_sandbox"

    run(scenario)


def test_a_gateway_that_is_about_to_stop_promises_no_sandboxes_and_those_that_are_there_go_on() -> None:
    async def scenario() -> None:
        gateway = WithTools()
        sandbox_id = await gateway.sandbox()
        gateway.draining = True
        refused = await gateway.post("/programs/q/tools", {"image": "i"})
        assert (refused.status, refused.reason) == (503, "draining")
        assert (await gateway.post(f"/programs/p/tools/{sandbox_id}/exec", {"command": "pytest"})).status == 200

    run(scenario)


def test_what_is_left_out_is_as_in_the_default() -> None:
    async def scenario() -> None:
        gateway = WithTools(default=DEFAULT)
        await gateway.post("/programs/p/tools")
        await gateway.post("/programs/p/tools", {"setup": "true"})
        await gateway.post("/programs/p/tools", {"image": "", "environment": {}})
        assert list(gateway.sandboxes.made.values()) == [
            DEFAULT,
            SandboxRequest("python:3.12", setup="true", environment={"A": "1"}),
            SandboxRequest("", setup="pip install pytest"),
        ]

    run(scenario)


def test_one_that_is_announced_is_prepared_for_who_waits_for_it() -> None:
    async def scenario() -> None:
        gateway = WithTools()
        announced = await gateway.post("/programs/p/tools", {"image": "i", "wait": False})
        assert announced.status == 202
        (prepared,) = announced.json["sandboxes"]
        assert await gateway.sandbox("p") == prepared["id"]
        assert len(gateway.sandboxes.made) == 1

    run(scenario)


@pytest.mark.parametrize("program_id", ["train/5_0", "a/tools/b", "/", "..", "x y", "ü", "p%2Fq", "release"])
@pytest.mark.parametrize("encode", [False, True], ids=["plain", "encoded"])
def test_ids_of_programs_may_have_slashes_and_anything_that_can_be_printed(program_id: str, encode: bool) -> None:
    async def scenario() -> None:
        gateway = WithTools(ports=[20_000])
        in_path = quote(program_id, safe="" if encode else "/")
        sandbox_id = await gateway.sandbox(in_path)
        assert [view.id for view in gateway.host.of_program(program_id)] == [sandbox_id]
        assert (await gateway.post(f"/programs/{in_path}/tools/{sandbox_id}/exec", {"command": "ls"})).status == 200
        assert (await gateway.post(f"/programs/{in_path}/ports")).json == {"port": 20_000}
        assert (await gateway.ask("DELETE", f"/programs/{in_path}/tools/{sandbox_id}")).status == 200

    run(scenario)


def test_a_client_that_leaves_gives_it_up() -> None:
    async def scenario() -> None:
        gateway, left = WithTools(), asyncio.Event()
        gateway.sandboxes.gate.clear()
        asking = asyncio.create_task(gateway.ask("POST", "/programs/p/tools", body=b'{"image": "i"}', left=left))
        while not gateway.host.of_program("p"):  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
        left.set()
        assert (await asking).status == 499
        assert gateway.host.of_program("p") == []
        gateway.sandboxes.gate.set()

    run(scenario)


def test_a_client_that_leaves_as_it_becomes_ready_has_it_given_back() -> None:
    async def scenario() -> None:
        gateway, left = WithTools(), asyncio.Event()
        left.set()
        assert (await gateway.ask("POST", "/programs/p/tools", body=b'{"image": "i"}', left=left)).status == 499
        assert gateway.host.of_program("p") == []

    run(scenario)


@pytest.mark.parametrize(
    ("wanted", "options", "status", "says"),
    [
        ({"image": "missing"}, {}, 422, "no such image: missing"),
        ({}, {}, 422, "no image was named"),
        ({"image": "i", "disk_bytes": 2_000}, {"budgets": Budgets(disk_bytes=1_000)}, 422, "budget of disk"),
    ],
)
def test_a_sandbox_that_there_cannot_be_is_a_422_with_the_reason(
    wanted: dict[str, Any], options: dict[str, Any], status: int, says: str
) -> None:
    async def scenario() -> None:
        answer = await WithTools(**options).post("/programs/p/tools", wanted)
        assert (answer.status, answer.reason) == (status, "sandbox_refused")
        assert says in answer.json["error"]["message"]
        assert "retry-after" not in answer.headers

    run(scenario)


def test_what_may_work_later_is_a_503_that_says_when() -> None:
    async def scenario() -> None:
        gateway = WithTools(ports=[20_000])
        assert (await gateway.post("/programs/p/ports")).status == 200
        taken = await gateway.post("/programs/q/ports")
        assert (taken.status, taken.reason, taken.headers["retry-after"]) == (503, "sandbox_refused", "10")
        gateway.runtime.release("p")
        assert (await gateway.post("/programs/q/ports")).json == {"port": 20_000}

    run(scenario)


def test_a_backend_that_fails_is_told_from_one_that_is_broken() -> None:
    async def scenario() -> None:
        gateway = WithTools()
        path = f"/programs/p/tools/{await gateway.sandbox()}/exec"
        gateway.sandboxes.problem = SandboxProblem("the daemon does not answer")
        assert (await gateway.post(path, {"command": "ls"})).status == 503
        gateway.sandboxes.problem = SandboxProblem("it speaks another protocol", permanent=True)
        broken = await gateway.post(path, {"command": "ls"})
        assert (broken.status, broken.reason, broken.json["error"]["message"]) == (
            502,
            "tools_failed",
            "it speaks another protocol",
        )

    run(scenario)


def test_nobody_reaches_the_sandbox_of_another_program() -> None:
    async def scenario() -> None:
        gateway = WithTools()
        sandbox_id = await gateway.sandbox("p")
        for program_id, name in (("q", sandbox_id), ("p", "nowhere")):
            answer = await gateway.post(f"/programs/{program_id}/tools/{name}/exec", {"command": "ls"})
            assert (answer.status, answer.reason) == (404, "unknown_sandbox")
            assert (await gateway.ask("DELETE", f"/programs/{program_id}/tools/{name}")).status == 404
        assert gateway.sandboxes.commands == []

    run(scenario)


def test_pages_of_other_sites_cannot_use_sandboxes() -> None:
    async def scenario() -> None:
        gateway = WithTools()
        for origin, status in (("http://evil.example", 403), ("null", 403), ("http://gateway:8300", 200)):
            headers = {"origin": origin, "host": "gateway:8300"}
            answer = await gateway.ask("POST", "/programs/p/tools", body=b'{"image": "x"}', headers=headers)
            assert answer.status == status, answer
        assert len(gateway.host.of_program("p")) == 1

    run(scenario)


def test_containers_are_attached_by_their_ids_and_go_with_the_program() -> None:
    async def scenario() -> None:
        gateway = WithTools("a", "b", "c")
        answer = await gateway.post("/programs/p/tools/attach", {"docker_ids": ["a", "b"]})
        assert (answer.status, answer.json) == (200, {"sandbox_ids": ["a", "b"]})
        assert (await gateway.post("/programs/p/tools/a/exec", {"command": "ls"})).json["output"] == "did ls"
        unknown = await gateway.post("/programs/p/tools/attach", {"docker_ids": ["nowhere"]})
        assert (unknown.status, unknown.reason) == (400, "unknown_container")
        gateway.runtime.release("p")
        while gateway.sandboxes.containers != {"c"}:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)

    run(scenario)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tools", {"image": 5}),
        ("tools", {"image": "a\0"}),
        ("tools", {"environment": {"A=B": "1"}}),
        ("tools", {"environment": {"": "1"}}),
        ("tools", {"memory_bytes": -1}),
        ("tools", {"memory_bytes": 1.5}),
        ("tools", {"wait": "yes"}),
        ("tools/attach", {}),
        ("tools/attach", {"docker_ids": "a"}),
        ("tools/attach", {"docker_ids": ["a b"]}),
        ("tools/x/exec", {}),
        ("tools/x/exec", {"command": ["ls"]}),
        ("tools/x/exec", {"command": "ls", "timeout_s": 0}),
        ("tools/x/exec", {"command": "ls\0"}),
    ],
    ids=str,
)
def test_a_body_that_makes_no_sense_is_a_400(path: str, body: dict[str, Any]) -> None:
    async def scenario() -> None:
        gateway = WithTools()
        answer = await gateway.post(f"/programs/p/{path}", body)
        assert (answer.status, answer.reason) == (400, "invalid_body")
        assert gateway.host.of_program("p") == []

    run(scenario)


def test_an_id_that_cannot_be_one_is_a_400() -> None:
    async def scenario() -> None:
        for program_id in ("%20", "a%00b", "a%0Ab", "x" * 257):
            answer = await WithTools().get(f"/programs/{program_id}/tools")
            assert (answer.status, answer.reason) == (400, "invalid_program_id")

    run(scenario)


def test_a_gateway_without_tools_says_how_to_have_them() -> None:
    async def scenario() -> None:
        for method, path in (
            *(("GET", "tools"), ("POST", "tools"), ("POST", "tools/attach"), ("POST", "tools/x/exec")),
            *(("DELETE", "tools/x"), ("POST", "ports")),
        ):
            answer = await Gateway().ask(method, f"/programs/p/{path}")
            assert (answer.status, answer.reason) == (400, "no_tools")
            assert "--tools docker" in answer.json["error"]["message"]

    run(scenario)


def test_whoever_may_generate_may_have_sandboxes_and_nobody_else() -> None:
    async def scenario() -> None:
        gateway = WithTools(settings=GatewaySettings(api_keys=("api-key",), admin_keys=("admin-key",)))
        assert (await gateway.post("/programs/p/tools", {"image": "i"})).status == 401
        assert (await gateway.post("/programs/p/tools", {"image": "i"}, **API)).status == 200

    run(scenario)


def test_programs_are_shown_with_their_sandboxes() -> None:
    async def scenario() -> None:
        gateway = WithTools()
        gateway.arrive("p")
        gateway.arrive("q")
        sandbox_id = await gateway.sandbox("p")
        await gateway.sandbox("known/only/here")
        shown = (await gateway.get("/programs")).json
        assert [view["id"] for view in shown["p"]["tools"]] == [sandbox_id]
        assert (shown["q"]["tools"], set(shown)) == ([], {"p", "q"})
        assert len((await gateway.get("/programs/known/only/here/tools")).json["sandboxes"]) == 1

    run(scenario)


def test_metrics_tell_all_that_the_host_counts_and_nothing_where_there_is_none() -> None:
    async def scenario() -> None:
        gateway = WithTools()
        assert set(gateway.host.snapshot()) == {*READ, *DERIVED}
        await gateway.sandbox("p")
        await gateway.sandbox("q")
        gateway.runtime.release("q")
        metrics = await scraped(gateway)
        assert metrics["thunderagent_tool_sandboxes_used_total",] == 1
        assert metrics["thunderagent_tool_disk_bytes",] == 200
        assert metrics["thunderagent_tool_prepare_seconds_count",] == 1
        assert metrics["thunderagent_tool_prepare_seconds_sum",] == gateway.host.totals.prepare_s > 0
        assert metrics["thunderagent_tool_hidden_seconds_total",] >= 0
        assert not [names for names in await scraped(Gateway()) if names[0].startswith("thunderagent_tool_")]

    run(scenario)
