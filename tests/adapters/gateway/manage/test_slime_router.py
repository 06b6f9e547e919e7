"""``/workers`` in the place of slime's router: who may add and remove engines without a key, and what the list means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from thunderagent.adapters.gateway.settings import GatewaySettings

from .support import ADMIN, A, Answer, B, Gateway, run

ROUTER = GatewaySettings(router_for="slime")
ROLLOUT = {"user-agent": "python-httpx/0.28.1"}
LAN = "10.0.0.5"
"""No address of this machine."""


async def post(gateway: Gateway, client: str = LAN, headers: dict[str, str] | None = None, **asked: Any) -> Answer:
    """An engine registers itself."""
    return await gateway.ask("POST", "/workers", body=json.dumps(asked).encode(), client=client, headers=headers)


def urls(gateway: Gateway) -> list[str]:
    return [worker.url for worker in gateway.workers.list()]


def test_an_engine_adds_itself_and_goes_without_a_key() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=ROUTER)
        url = f"http://{LAN}:15000"
        answer = await post(gateway, url=url, worker_type="regular", bootstrap_port=9, model_id="m")
        assert (answer.status, answer.json["status"], answer.json["url"]) == (202, "added", url)
        assert (await post(gateway, url=url)).json["status"] == "known"
        listed = (await gateway.get("/workers")).json["workers"]
        assert listed[-1] == {"id": answer.json["id"], "url": url, "is_healthy": True, "worker_type": "regular"}
        gone = await gateway.ask("DELETE", f"/workers/{answer.json['id']}", client=LAN)
        assert (gone.status, gone.json["status"]) == (202, "draining")
        await gateway.clock.advance(0)
        assert urls(gateway) == [A, B]

    run(scenario)


@pytest.mark.parametrize(
    ("client", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:15000"),
        ("127.0.0.1", "http://127.0.0.2:15000"),
        (f"::ffff:{LAN}", f"http://{LAN}:15000"),
        ("fd00::5", "http://[fd00::5]:15000"),
    ],
)
def test_the_same_machine_may_have_several_addresses(client: str, url: str) -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=ROUTER)
        assert (await post(gateway, client, url=url)).status == 202
        assert urls(gateway) == [A, B, url]

    run(scenario)


@pytest.mark.parametrize(
    ("client", "url"),
    [
        (LAN, "http://10.0.0.6:15000"),
        ("127.0.0.1", f"http://{LAN}:15000"),
        (LAN, "http://127.0.0.1:15000"),
        ("10.0.0.1", "http://gpu1:15000"),
        ("fd00::5", f"http://{LAN}:15000"),
    ],
)
def test_nobody_adds_what_is_elsewhere_without_an_admin_key(client: str, url: str) -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=GatewaySettings(router_for="slime", admin_keys=("admin-key",)))
        answer = await post(gateway, client, url=url)
        assert (answer.status, answer.reason) == (403, "not_its_machine")
        assert url in answer.json["error"]["message"]
        assert urls(gateway) == [A, B]
        assert (await post(gateway, client, ADMIN, url=url)).status == 202

    run(scenario)


def test_nobody_removes_what_is_elsewhere_without_an_admin_key() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=GatewaySettings(router_for="slime", admin_keys=("admin-key",)))
        for target in (f"/workers?url={A}", f"/workers/{A}"):
            answer = await gateway.ask("DELETE", target)
            assert (answer.status, answer.reason) == (403, "not_its_machine")
        assert (await gateway.ask("DELETE", "/workers/0123", headers=ADMIN)).status == 404
        assert (await gateway.ask("DELETE", f"/workers/{A}?force=true", headers=ADMIN)).json["status"] == "removed"
        assert urls(gateway) == [B]

    run(scenario)


def test_an_engine_that_the_gateway_was_started_with_may_be_named_by_anybody() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=ROUTER)
        gateway.addresses = {"a": ["10.0.0.1"]}
        assert (await post(gateway, url=f"{A}/v1")).json["status"] == "known"

    run(scenario)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"url": "http://169.254.169.254"}, "invalid_worker_url"),
        ({"url": f"http://{LAN}:1", "worker_type": "prefill"}, "unknown_worker_type"),
        ({}, "invalid_body"),
    ],
)
def test_what_cannot_be_an_engine_is_refused(asked: dict[str, str], reason: str) -> None:
    async def scenario() -> None:
        answer = await post(Gateway(settings=ROUTER), **asked)
        assert (answer.status, answer.reason) == (400, reason)

    run(scenario)


def test_a_rollout_that_asks_for_the_engines_has_ended_and_gets_those_that_answer() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=ROUTER)
        gateway.watch.die(B, "it does not answer")
        for agent in ("python-requests/2.32", "curl/8", ""):
            answer = await gateway.get("/workers", **{"user-agent": agent})
            assert [worker["is_healthy"] for worker in answer.json["workers"]] == [True, False]
        assert gateway.ended_rollouts == 0
        answer = await gateway.get("/workers", **ROLLOUT)
        assert [worker["url"] for worker in answer.json["workers"]] == [A]
        assert gateway.ended_rollouts == 1

    run(scenario)


def test_without_this_the_list_is_a_list_and_adding_needs_an_admin_key() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        assert (await gateway.get("/workers", **ROLLOUT)).json["total"] == 2
        assert gateway.ended_rollouts == 0
        assert (await post(gateway, "127.0.0.1", url="http://127.0.0.1:1")).reason == "no_admin_key"

    run(scenario)


def test_everything_else_is_as_ever_and_in_the_document() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=GatewaySettings(router_for="slime", admin_keys=("admin-key",)))
        assert (await gateway.get("/servers")).status == 401
        assert len((await gateway.get("/servers", **ADMIN)).json["servers"]) == 2
        document = (await gateway.get("/openapi.json")).json
        assert document["paths"]["/workers"]["post"]["security"] == []
        assert "403" in document["paths"]["/workers/{worker_id}"]["delete"]["responses"]

    run(scenario)
