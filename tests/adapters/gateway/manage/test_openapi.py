"""``/openapi.json`` says what the routes do: compared with them, and tried out by schemathesis."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from starlette.routing import Route

from tests.memory_sandboxes import MemorySandboxes
from thunderagent.adapters.gateway.controls import CONTROLS
from thunderagent.adapters.gateway.dialects import DIALECTS
from thunderagent.adapters.gateway.manage import openapi
from thunderagent.adapters.gateway.manage.openapi import SCHEDULED
from thunderagent.adapters.gateway.program_ids import PROGRAM_HEADERS
from thunderagent.runtime.tools import SandboxRequest, ToolHost

from .support import ADMIN, WITH_KEYS, Gateway, run


def made() -> Gateway:
    """Programs that run, wait, are held, and have profiles; any name of an engine is an address of this network.

    Any container is there.
    """

    class AnyAddress(dict[str, list[str]]):
        def get(self, key: str, default: Any = None) -> list[str]:
            return ["10.0.0.1"]

    async def prepare(gateway: Gateway) -> None:
        for number in range(3):
            await gateway.turn(f"train/{number}", 1_000)
        for number in range(4):
            gateway.arrive(f"eval/{number}", 7_000)
        gateway.runtime.begin_weight_sync()
        gateway.arrive("held")

    gateway = Gateway(settings=WITH_KEYS, tools=new_tools())
    gateway.addresses = AnyAddress()
    asyncio.run(prepare(gateway))
    return gateway


def new_tools() -> ToolHost:
    class AnyContainer(set[str]):
        def __contains__(self, item: object) -> bool:
            return True

    sandboxes = MemorySandboxes()
    sandboxes.containers = AnyContainer()
    return ToolHost(sandboxes, "owner", default=SandboxRequest("python:3.12"), ports=[20_000])


def with_new_tools(gateway: Gateway) -> Callable[..., Awaitable[None]]:
    """For each request, as schemathesis runs each on a loop of its own, and what prepares sandboxes goes with its loop."""
    whole = gateway.app()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        gateway.tools = new_tools()
        gateway.draining = scope["path"] == "/live"  # a stream that ends
        await whole(scope, receive, send)

    return app


def test_the_routes_and_the_document_agree() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        routes = {
            (re.sub(r":\w+}", "}", route.path), method.lower())
            for route in gateway.app().routes
            if isinstance(route, Route)
            for method in (route.methods or set()) - {"HEAD"}
        }
        document = (await gateway.get("/openapi.json")).json
        described = {(path, method) for path, operations in document["paths"].items() for method in operations}
        assert described == routes | {(path, "post") for path in (*SCHEDULED, *CONTROLS)}
        names = [operation["operationId"] for operations in document["paths"].values() for operation in operations.values()]
        assert len(names) == len(set(names))

    run(scenario)


def test_what_acts_on_engines_says_whom_it_reaches() -> None:
    async def scenario() -> None:
        document = (await Gateway().get("/openapi.json")).json
        said = {path: document["paths"][path]["post"]["parameters"][0]["description"] for path in CONTROLS}
        assert {path for path, whom in said.items() if "required" in whom} == {
            p for p, control in CONTROLS.items() if control.for_one
        }

    run(scenario)


def test_scheduled_endpoints_take_the_headers_of_programs_and_any_body() -> None:
    async def scenario() -> None:
        document = (await Gateway().get("/openapi.json")).json
        chat = document["paths"]["/v1/chat/completions"]["post"]
        assert [parameter["name"] for parameter in chat["parameters"]] == [*("X-Program-ID", "X-Session-ID", "X-SMG-Routing-Key")]
        assert chat["requestBody"]["content"]["application/json"]["schema"]["additionalProperties"] is True
        assert document["openapi"] == "3.1.0"
        assert set(SCHEDULED) == set(DIALECTS)
        assert {name.lower().encode() for name in openapi.PROGRAM_HEADERS} == set(PROGRAM_HEADERS)

    run(scenario)


schemathesis.openapi.format(
    "program-id", st.text(min_size=1, max_size=256).filter(lambda text: text.isprintable() and not text.isspace())
)
AUTH = "ignored_auth"
"""This check takes a right key for ignored where it has put a wrong one beside it, in the other header."""


def checks(*names: str) -> list[Any]:
    """Schemathesis has them once it has read a document."""
    return [schemathesis.checks.CHECKS.get_one(name) for name in names]


SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", with_new_tools(made())).exclude(path=[*SCHEDULED, *CONTROLS])


@SCHEMA.exclude(path_regex="^/workers").parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
def test_every_endpoint_does_what_the_document_says(case: schemathesis.Case) -> None:
    case.call_and_validate(headers=ADMIN, excluded_checks=checks(AUTH))


@SCHEMA.include(path_regex="^/workers").parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
def test_engines_are_changed_as_the_document_says(case: schemathesis.Case) -> None:
    """No schema says which strings are addresses, so that a valid one may be refused."""
    case.call_and_validate(headers=ADMIN, excluded_checks=checks(AUTH, "positive_data_acceptance"))
