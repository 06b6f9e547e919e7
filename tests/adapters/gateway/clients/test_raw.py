"""Requests as they stand on the wire, before two fake engines that tell what reached them."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.adapters.gateway.clients.fake_engine import Answer, Arrived, FakeEngine, fake_engine
from tests.adapters.gateway.clients.running import Running, gateway_before

CHAT = "/v1/chat/completions"
HELLO = json.dumps({"model": "fake", "messages": [{"role": "user", "content": "hello"}]}).encode()
ZIPPED = gzip.compress(b'{"data": "' + b"x" * 1_000 + b'"}')


@dataclass(frozen=True, slots=True)
class Got:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[FakeEngine, FakeEngine]]:
    with fake_engine() as one, fake_engine() as two:
        yield one, two


@pytest.fixture(scope="module")
def gateway(engines: tuple[FakeEngine, FakeEngine]) -> Iterator[Running]:
    with gateway_before(*(engine.url for engine in engines)) as running:
        yield running


@pytest.fixture(autouse=True)
def _new(engines: tuple[FakeEngine, FakeEngine]) -> None:
    for engine in engines:
        engine.reset()


def ask(gateway: Running, method: str, target: str, body: bytes | None = None, **headers: str) -> Got:
    """Only these headers, and what HTTP needs."""
    connection = http.client.HTTPConnection("127.0.0.1", int(gateway.url.rpartition(":")[2]), timeout=10)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Got(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def only(engines: tuple[FakeEngine, FakeEngine]) -> Arrived:
    """The one request that reached an engine."""
    (arrived,) = [arrived for engine in engines for arrived in engine.arrived]
    return arrived


@pytest.mark.parametrize("target", [CHAT, "/v1/embeddings"], ids=["scheduled", "passed through"])
def test_headers_of_the_request_reach_the_engine_and_those_of_the_connection_do_not(
    gateway: Running, engines: Any, target: str
) -> None:
    headers = {
        **{"Authorization": "Bearer engine-key", "X-Custom": "kept", "Content-Type": "application/json", "User-Agent": "raw"},
        **{"Connection": "close, X-Mine", "X-Mine": "1", "Keep-Alive": "timeout=5", "TE": "trailers", "Upgrade": "h2c"},
        **{"Proxy-Authorization": "Basic x", "Proxy-Connection": "close", "Expect": "100-continue"},
    }
    assert ask(gateway, "POST", target, HELLO, **headers).status == 200

    arrived = only(engines)
    assert arrived.body == HELLO
    wanted = {"authorization": "Bearer engine-key", "x-custom": "kept", "content-type": "application/json", "user-agent": "raw"}
    assert {name: arrived.headers.get(name) for name in wanted} == wanted
    assert set(arrived.headers) == {*wanted, "host", "content-length"}
    assert f"http://{arrived.headers['host']}" in gateway.engines


@pytest.mark.parametrize("target", [CHAT, "/v1/embeddings"], ids=["scheduled", "passed through"])
def test_headers_of_the_answer_reach_the_client_and_those_of_the_connection_do_not(
    gateway: Running, engines: Any, target: str
) -> None:
    for engine in engines:
        engine.answer = lambda arrived: Answer(
            headers={
                **{"content-type": "application/json; odd=1", "X-Custom": "kept", "Set-Cookie": "a=b", "Server": "fake"},
                **{"Connection": "X-Mine", "X-Mine": "1", "Keep-Alive": "timeout=5"},
            }
        )
    got = ask(gateway, "POST", target, HELLO)

    kept = {"content-type": "application/json; odd=1", "x-custom": "kept", "set-cookie": "a=b", "server": "fake"}
    assert {name: got.headers.get(name) for name in kept} == kept
    assert not {"connection", "x-mine", "keep-alive"} & set(got.headers)
    assert got.body == Answer().body


def test_what_is_passed_through_is_compressed_if_the_client_says_so(gateway: Running, engines: Any) -> None:
    def answer(arrived: Arrived) -> Answer:
        if "gzip" not in arrived.headers.get("accept-encoding", ""):
            return Answer(body=b"plain", headers={})
        return Answer(body=ZIPPED, headers={"content-encoding": "gzip", "vary": "accept-encoding"})

    for engine in engines:
        engine.answer = answer
    got = ask(gateway, "GET", "/v1/files", Accept_Encoding="gzip")

    assert (got.headers["content-encoding"], got.headers["content-length"]) == ("gzip", str(len(ZIPPED)))
    assert got.body == ZIPPED
    assert ask(gateway, "GET", "/v1/files").body == b"plain"
    assert ask(gateway, "POST", CHAT, HELLO, Accept_Encoding="gzip").body == b"plain"  # its counts are read on the way


@pytest.mark.parametrize(
    "target",
    ["/v1/files?limit=2&after=%20x&empty", "/v1/files/a%2Fb%20c", "/v1//files/./x;y=1", "/a%C3%BC?q=%C3%BC+%2B", "/v1/files?"],
)
def test_paths_and_queries_arrive_as_they_were_written(gateway: Running, engines: Any, target: str) -> None:
    assert ask(gateway, "GET", target).status == 200

    assert only(engines).target.removesuffix("?") == target.removesuffix("?")


def test_the_query_of_a_scheduled_request_arrives_too(gateway: Running, engines: Any) -> None:
    assert ask(gateway, "POST", CHAT + "?beta=true&x=%20", HELLO).status == 200

    assert only(engines).target == CHAT + "?beta=true&x=%20"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "POST", "GET"])
@pytest.mark.parametrize("body", [b"", b"\x00\xff not JSON"], ids=["nothing", "bytes"])
def test_any_method_with_any_body_is_passed_through(gateway: Running, engines: Any, method: str, body: bytes) -> None:
    assert ask(gateway, method, "/v1/files/1", body or None).status == 200

    arrived = only(engines)
    assert (arrived.method, arrived.body) == (method, body)


def test_head_has_the_headers_of_get_and_no_body(gateway: Running, engines: Any) -> None:
    got = ask(gateway, "HEAD", "/v1/files")

    assert (got.status, got.body, only(engines).method) == (200, b"", "HEAD")
    assert got.headers["content-length"] == str(len(Answer().body))
    assert ask(gateway, "HEAD", "/health").status == 200


def test_turns_of_a_program_stay_on_one_engine(gateway: Running, engines: Any) -> None:
    for program in ("x", "y", "z"):
        for _ in range(3):
            assert ask(gateway, "POST", CHAT, HELLO, X_Session_ID=program).status == 200
        gateway.post("/programs/release", {"program_id": program})
    homes = [{arrived.headers["x-session-id"] for arrived in engine.arrived} for engine in engines]

    assert homes[0] | homes[1] == {"x", "y", "z"}
    assert not homes[0] & homes[1]


def test_blanks_around_a_program_id_are_no_part_of_it(gateway: Running, engines: Any) -> None:
    for value in ("one run", "  one run", "one run \t"):
        assert ask(gateway, "POST", CHAT, HELLO, X_Session_ID=value).status == 200

    assert gateway.programs["one run"]["step_count"] == 3
    gateway.post("/programs/release", {"program_id": "one run"})


def test_other_methods_of_scheduled_paths_are_the_engines_matter(gateway: Running, engines: Any) -> None:
    assert ask(gateway, "GET", CHAT).status == 200
    assert ask(gateway, "GET", "/v1/responses/resp_1").status == 200


@pytest.mark.parametrize("index", [0, 1])
def test_a_request_may_choose_its_engine(gateway: Running, engines: Any, index: int) -> None:
    for target in ("/v1/files", "/metrics-of-mine", "/v1/models"):
        assert ask(gateway, "GET", target, X_Thunder_Backend=engines[index].url).status == 200

    assert [arrived.target for arrived in engines[index].arrived] == ["/v1/files", "/metrics-of-mine", "/v1/models"]
    assert "x-thunder-backend" not in engines[index].arrived[0].headers
    assert engines[1 - index].arrived == []


def test_an_engine_that_is_not_there_cannot_be_chosen(gateway: Running, engines: Any) -> None:
    got = ask(gateway, "GET", "/v1/files", X_Thunder_Backend="http://169.254.169.254")

    assert (got.status, json.loads(got.body)["error"]["code"]) == (404, "unknown_backend")
    assert not any(engine.arrived for engine in engines)


def test_a_body_without_a_length_goes_on_whole(gateway: Running, engines: Any) -> None:
    with socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2])), timeout=10) as raw:
        pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (HELLO[:5], HELLO[5:], b"") if piece)
        raw.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n")
        raw.sendall(pieces + b"0\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 200")
    assert only(engines).body == HELLO
