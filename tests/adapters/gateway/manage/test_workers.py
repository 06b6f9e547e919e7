"""Engines come and go while the gateway runs, by an admin's word alone."""

from __future__ import annotations

import pytest

from tests.adapters.hand_clock import settle
from thunderagent.adapters.gateway.manage.workers import worker_id
from thunderagent.adapters.gateway.settings import GatewaySettings

from .support import ADMIN, API, WITH_KEYS, A, B, Gateway, run

NEW = "http://gpu1:8000"


def test_engines_are_listed_with_what_is_known_of_them() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        gateway.watch.die(B, "connection refused")
        gateway.fleet.took(A)
        answer = (await gateway.get("/workers")).json
        assert answer["total"] == 2
        assert answer["workers"][0] == {
            "id": worker_id(A),
            "url": A,
            "backends": [A],
            "healthy": True,
            "is_healthy": True,
            "paused": False,
            "draining": False,
            "capacity_tokens": 10_000,
            "in_flight": 1,
            "requests": 1,
            "retries": 0,
            "failures": 0,
            "breaker": "closed",
            "probe_in_s": None,
            "last_problem": None,
            "kind": None,
            "loads": {},
        }
        down = answer["workers"][1]
        assert (down["healthy"], down["in_flight"], down["last_problem"]) == (False, 0, "connection refused")

    run(scenario)


def test_servers_are_told_in_short() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        for url in ("http://c:1", "http://d:1"):
            gateway.watch.join(url, None)
        gateway.watch.die("http://d:1", "refused")
        gateway.fleet.took(A)
        await gateway.workers.drain(A)
        for _ in range(gateway.settings.breaker_failures):
            gateway.fleet.ended(B, False, gateway.fleet.took(B))
        answer = (await gateway.get("/servers")).json
        assert answer["servers"] == [A, B, "http://c:1", "http://d:1"]
        assert [server["state"] for server in answer["states"]] == ["draining", "down", "up", "down"]
        gateway.workers.close()
        gateway.fleet.close()

    run(scenario)


def test_an_admin_adds_an_engine_and_adding_it_again_is_no_error() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=WITH_KEYS)
        content = {"url": NEW + "/v1", "worker_type": "regular"}
        first = await gateway.post("/workers", content, **ADMIN)
        assert (first.status, first.json) == (201, {"id": worker_id(NEW), "url": NEW, "status": "added"})
        second = await gateway.post(f"/workers?url={NEW}", **ADMIN)
        assert (second.status, second.json["status"]) == (200, "known")
        assert gateway.watch.asked == [("add", NEW), ("add", NEW)]
        assert NEW in gateway.runtime.scheduler.ledger.backends

    run(scenario)


@pytest.mark.parametrize("name", [worker_id(A), A, A + "/", "HTTP://A:8000/v1", "http%3A%2F%2Fa%3A8000", f"?url={A}"])
def test_an_engine_is_drained_by_its_id_or_url_and_its_programs_move(name: str) -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=WITH_KEYS)
        epoch = gateway.fleet.took(A)
        target = "/workers" + (name if name[0] == "?" else f"/{name}")
        for _ in range(2):
            answer = await gateway.ask("DELETE", target, headers=ADMIN)
            assert (answer.status, answer.json) == (202, {"id": worker_id(A), "url": A, "status": "draining"})
        assert await gateway.turn("p") == B
        assert gateway.watch.asked == []
        gateway.fleet.ended(A, True, epoch)
        await settle()
        assert gateway.watch.asked == [("remove", A)]
        assert (await gateway.ask("DELETE", target, headers=ADMIN)).status == 404

    run(scenario)


def test_an_engine_leaves_at_once_when_forced_or_down() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=WITH_KEYS)
        gateway.fleet.took(A)
        answer = await gateway.ask("DELETE", "/workers?force=true", body=b'{"url": "http://a:8000"}', headers=ADMIN)
        assert (answer.status, answer.json["status"]) == (200, "removed")
        gateway.watch.die(B, "refused")
        answer = await gateway.ask("DELETE", f"/workers/{worker_id(B)}", headers=ADMIN)
        assert (answer.status, answer.json["status"]) == (200, "removed")
        assert gateway.watch.asked == [("remove", A), ("remove", B)]

    run(scenario)


def test_an_engine_with_a_url_of_an_odd_spelling_is_the_same_engine() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=WITH_KEYS)
        gateway.addresses["odd"] = ["10.0.0.3"]
        gateway.watch.join("http://ODD:80", None)
        gateway.watch.join("http://odd/behind/a/path", None)
        assert (await gateway.post("/workers", {"url": "http://odd"}, **ADMIN)).json["status"] == "known"
        assert len(gateway.watch.known) == 4
        path = worker_id("http://odd/behind/a/path")
        assert (await gateway.ask("DELETE", f"/workers/{path}?force=true", headers=ADMIN)).status == 200

    run(scenario)


@pytest.mark.parametrize(
    ("settings", "headers", "reason"),
    [
        (GatewaySettings(), {}, "no_admin_key"),
        (GatewaySettings(), ADMIN, "no_admin_key"),
        (GatewaySettings(api_keys=("api-key",)), API, "no_admin_key"),
        (WITH_KEYS, {}, "admin_key_required"),
        (WITH_KEYS, API, "admin_key_required"),
        (WITH_KEYS, {"authorization": "Bearer admin-kez"}, "admin_key_required"),
    ],
)
def test_without_an_admin_key_nobody_changes_engines(settings: GatewaySettings, headers: dict[str, str], reason: str) -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=settings)
        for method, target in (("POST", f"/workers?url={NEW}"), ("DELETE", f"/workers?url={A}"), ("DELETE", f"/workers/{A}")):
            answer = await gateway.ask(method, target, headers=headers)
            assert (answer.status, answer.reason) == (403, reason)
        assert gateway.watch.asked == []

    run(scenario)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "missing_url"),
        (b"{}", "missing_url"),
        (b'{"url": 1}', "invalid_body"),
        (b'{"url": "http://169.254.169.254/latest"}', "invalid_worker_url"),
        (b'{"url": "http://169.254.169.254"}', "invalid_worker_url"),
        (b'{"url": "http://metadata"}', "invalid_worker_url"),
    ],
)
def test_an_address_that_is_not_usable_is_a_400_even_for_an_admin(body: bytes, reason: str) -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=WITH_KEYS)
        gateway.addresses["metadata"] = ["169.254.169.254"]
        answer = await gateway.ask("POST", "/workers", body=body, headers=ADMIN)
        assert (answer.status, answer.reason) == (400, reason)
        assert gateway.watch.asked == []

    run(scenario)


def test_an_engine_that_is_drained_may_be_called_back() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=WITH_KEYS)
        gateway.addresses["a"] = ["10.0.0.2"]
        gateway.fleet.took(A)
        await gateway.ask("DELETE", f"/workers?url={A}", headers=ADMIN)
        answer = await gateway.post("/workers", {"url": A}, **ADMIN)
        assert (answer.status, answer.json["status"]) == (201, "added")
        assert not any(worker.draining for worker in gateway.workers.list())

    run(scenario)


def test_an_engine_that_nobody_knows_and_an_odd_force_are_errors() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=WITH_KEYS)
        for target in (f"/workers?url={NEW}", f"/workers/{NEW}", "/workers/0123"):
            answer = await gateway.ask("DELETE", target, headers=ADMIN)
            assert (answer.status, answer.reason) == (404, "unknown_worker")
        assert (await gateway.ask("DELETE", f"/workers?url={A}&force=yes", headers=ADMIN)).status == 400
        assert gateway.watch.asked == []

    run(scenario)


def test_an_engine_that_was_stopped_is_seen_to_be() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        gateway.fleet.pause({A}, usable=False)
        assert [worker["paused"] for worker in (await gateway.get("/workers")).json["workers"]] == [True, False]
        assert [state["state"] for state in (await gateway.get("/servers")).json["states"]] == ["paused", "up"]

    run(scenario)
