"""Whatever is wrong is answered in OpenAI's shape, with the right status, and without a traceback."""

from __future__ import annotations

import logging

import pytest

from thunderagent.adapters.gateway.manage import ENDPOINTS, FOR_CLIENTS, management, serves
from thunderagent.adapters.gateway.manage.reading import MAX_BODY_BYTES
from thunderagent.adapters.gateway.settings import GatewaySettings

from .support import ADMIN, API, WITH_KEYS, Gateway, run


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("POST", "/programs", "GET, HEAD"),
        ("GET", "/programs/release", "POST"),
        ("PUT", "/workers", "DELETE, GET, HEAD, POST"),
        ("POST", "/workers/a", "DELETE"),
        ("TRACE", "/health", "GET, HEAD"),
        ("QUERY", "/profiles/a/b", "GET, HEAD"),
        ("OPTIONS", "/weight_sync/end", "POST"),
    ],
)
def test_a_method_that_an_endpoint_does_not_have_is_a_405_that_tells_those_it_has(method: str, target: str, allowed: str) -> None:
    async def scenario() -> None:
        answer = await Gateway().ask(method, target)
        assert (answer.status, answer.headers["allow"], answer.reason) == (405, allowed, "method_not_allowed")

    run(scenario)


@pytest.mark.parametrize("target", ["/", "/program", "/programs/", "/metrics.xml", "/v1/models", "//health"])
def test_what_is_not_there_is_a_404(target: str) -> None:
    async def scenario() -> None:
        answer = await Gateway().get(target)
        assert (answer.status, answer.reason) == (404, "not_found")
        assert set(answer.json["error"]) >= {"message", "type", "param", "code"}

    run(scenario)


def test_a_body_may_have_a_mebibyte_and_not_a_byte_more() -> None:
    async def scenario() -> None:
        padded = b'{"program_id": "p"}'.ljust(MAX_BODY_BYTES)
        gateway = Gateway()
        assert (await gateway.ask("POST", "/programs/release", body=padded)).status == 200
        for body in (padded + b" ", [padded, b" "]):
            answer = await gateway.ask("POST", "/programs/release", body=body)
            assert (answer.status, answer.reason) == (413, "body_too_large")

    run(scenario)


def test_a_body_may_come_in_pieces() -> None:
    async def scenario() -> None:
        answer = await Gateway().ask("POST", "/programs/release", body=[b'{"progr', b"", b'am_id": "p"}'])
        assert answer.json == {"program_id": "p", "released": False}

    run(scenario)


def test_views_need_an_admin_key_where_there_are_any_and_changes_any_key() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=WITH_KEYS)
        for target in ("/programs", "/metrics", "/metrics.json", "/profiles", "/profiles/p", "/servers", "/workers"):
            for headers in ({}, API, {"authorization": "Bearer admin-kez"}):
                answer = await gateway.get(target, **headers)
                assert (answer.status, answer.reason) == (401, "invalid_api_key")
                assert answer.headers["www-authenticate"] == "Bearer"
            assert (await gateway.get(target, **ADMIN)).status in (200, 404)
        for target in (
            "/programs/release?program_id=p",
            "/finish_session?session_id=p",
            "/weight_sync/begin",
            "/weight_sync/end",
        ):
            assert (await gateway.post(target)).status == 401
            assert (await gateway.post(target, **API)).status == 200
            assert (await gateway.post(target, **ADMIN)).status == 200
        for target in ("/health", "/ready", "/openapi.json"):
            assert (await gateway.get(target)).status == 200

    run(scenario)


def test_without_keys_agents_release_and_everybody_reads() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        assert (await gateway.post("/finish_session?session_id=p")).status == 200
        assert (await gateway.get("/programs")).status == 200

    run(scenario)


def test_a_failure_of_our_own_is_a_500_that_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        gateway = Gateway()
        gateway.workers = None
        with caplog.at_level(logging.ERROR):
            answer = await gateway.get("/workers?secret=1")
        assert (answer.status, answer.reason) == (500, "internal_error")
        assert b"Traceback" not in answer.body
        assert b"NoneType" not in answer.body
        assert "GET /workers failed" in caplog.text
        assert "secret" not in caplog.text

    run(scenario)


def test_a_client_that_leaves_in_its_body_changes_nothing() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        sent = []

        async def receive() -> dict[str, str]:
            return {"type": "http.disconnect"}

        async def send(message: object) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/programs/release", "query_string": b"", "headers": []}
        await gateway.app()(scope, receive, send)  # type: ignore[arg-type]
        assert sent[0]["status"] == 499  # type: ignore[index]

    run(scenario)


def test_head_is_answered_as_get_is() -> None:
    async def scenario() -> None:
        assert (await Gateway().ask("HEAD", "/ready")).status == 200

    run(scenario)


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/health", True),
        ("/programs/release", True),
        ("/profiles/train/5_0", True),
        ("/workers/http://a:8000", True),
        ("/openapi.json", True),
        ("/v1/models", False),
        ("/healthz", False),
        ("/programs/release/x", False),
        ("/", False),
    ],
)
def test_which_paths_are_management_and_which_the_engines(path: str, ours: bool) -> None:
    assert serves(path) is ours


def test_metrics_can_be_left_out() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=GatewaySettings(metrics=False))
        assert (await gateway.get("/metrics")).status == 404
        assert (await gateway.get("/metrics.json")).json["metrics_enabled"] is False
        assert "/metrics" not in (await gateway.get("/openapi.json")).json["paths"]

    run(scenario)


def test_a_port_for_clients_alone_has_no_views() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        app = management(gateway, GatewaySettings(), endpoints=FOR_CLIENTS)
        gateway.app = lambda: app  # type: ignore[method-assign]
        assert (await gateway.post("/programs/release", {"program_id": "p"})).status == 200
        for target in ("/programs", "/workers", "/metrics"):
            assert (await gateway.get(target)).status == 404
            assert not serves(target, FOR_CLIENTS)
        assert all(endpoint in ENDPOINTS for endpoint in FOR_CLIENTS)
        paths = (await gateway.get("/openapi.json")).json["paths"]
        assert "/programs" not in paths
        assert "/programs/release" in paths

    run(scenario)
