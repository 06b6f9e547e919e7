"""What is added to a request on its way to a backend; everything else of it stays as it came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from thunderagent.adapters.gateway.dialects import DIALECTS
from thunderagent.adapters.gateway.routes import HIGHEST_PRIORITY, AbortCall, Outgoing, Route, outgoing, with_rank
from thunderagent.errors import RequestProblem

CHAT, MESSAGES, GENERATE = "/v1/chat/completions", "/v1/messages", "/generate"
LINES = [b"content-type: application/json"]
URL = "http://e:1"


def abort(request_id: str) -> AbortCall:
    return AbortCall(b"/abort_request", request_id.encode())


def sent(route: Route, body: bytes, path: str = CHAT, priority: int | None = 7, lines: list[bytes] = LINES) -> Outgoing:
    dialect = DIALECTS[path]
    return outgoing(route, dialect, dialect.read(body), lines, priority)


def added(route: Route, path: str = CHAT, priority: int | None = 7, **fields: Any) -> dict[str, Any]:
    """Members of the sent body that the client's had not."""
    body = json.dumps({"stream": False, **fields}).encode()
    out = sent(route, body, path, priority)
    assert out.body.endswith(body[1:])
    return {name: value for name, value in json.loads(out.body).items() if name not in json.loads(body)}


# Nothing


@pytest.mark.parametrize("path", DIALECTS)
def test_a_plain_route_leaves_the_request_as_the_same_objects(path: str) -> None:
    dialect = DIALECTS[path]
    asked = dialect.read(b'{"model":"m", "messages":[], "prompt":"p","input":"i"}')
    out = outgoing(Route(URL), dialect, asked, LINES, 7)
    assert out.body is asked.body
    assert out.lines is LINES
    assert out.request_id is None


# Priority


def test_a_priority_goes_before_the_clients_own_bytes() -> None:
    assert sent(Route(URL, priority_sign=1), b' { "model" : "m" } ').body == b' {"priority":7, "model" : "m" } '


@pytest.mark.parametrize(("sign", "priority", "told"), [(1, 5, 5), (-1, 5, -5), (1, -5, -5), (-1, -5, 5)])
def test_its_sign_is_the_engines(sign: int, priority: int, told: int) -> None:
    assert added(Route(URL, priority_sign=sign), priority=priority) == {"priority": told}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("priority", [1 << 70, -(1 << 70)])
def test_it_fits_64_bits(sign: int, priority: int) -> None:
    assert abs(added(Route(URL, priority_sign=sign), priority=priority)["priority"]) == HIGHEST_PRIORITY


@pytest.mark.parametrize("own", [0, 3, None, "high"])
def test_a_priority_of_the_clients_stays(own: object) -> None:
    body = json.dumps({"priority": own, "messages": []}).encode()
    assert sent(Route(URL, priority_sign=1), body).body == body


def test_one_written_in_escapes_is_the_clients_too() -> None:
    body = b'{"messages":[],"\\u0070riority":1}'
    assert sent(Route(URL, priority_sign=1), body).body == body


def test_so_is_one_beside_messages_that_cannot_be_read() -> None:
    body = b'{"messages":"?","priority":1}'
    assert sent(Route(URL, priority_sign=1), body).body == body
    assert added(Route(URL, priority_sign=1), messages="?") == {"priority": 7}


def test_a_turn_without_a_priority_has_none() -> None:
    assert added(Route(URL, priority_sign=1), priority=None) == {}


@pytest.mark.parametrize("path", [MESSAGES, "/skyrl/v1/generate"])
def test_an_endpoint_that_does_not_know_the_field_gets_none(path: str) -> None:
    assert added(Route(URL, priority_sign=1), path) == {}


@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/v1/responses", GENERATE, "/inference/v1/generate"])
def test_all_others_get_it(path: str) -> None:
    assert added(Route(URL, priority_sign=1), path) == {"priority": 7}


# Ids to abort by


@pytest.mark.parametrize("path", [CHAT, "/v1/completions", GENERATE])
def test_every_try_has_an_id_of_its_own(path: str) -> None:
    route, body = Route(URL, abort=abort), b'{"stream":false}'
    tries = [sent(route, body, path) for _ in range(2)]
    ids = [json.loads(out.body)["rid"] for out in tries]
    assert ids == [out.request_id for out in tries]
    assert ids[0] != ids[1]
    assert len(ids[0]) == len(ids[1])  # none is the beginning of another: the engine would abort both


@pytest.mark.parametrize("path", [MESSAGES, "/v1/responses", "/inference/v1/generate"])
def test_an_endpoint_that_takes_no_id_gets_none(path: str) -> None:
    assert sent(Route(URL, abort=abort), b'{"stream":false}', path).request_id is None


@pytest.mark.parametrize("body", [b'{"rid":"mine"}', b'{"n":2}', b'{"messages":"?","rid":"mine"}'])
def test_a_client_that_has_one_or_asks_for_several_answers_gets_none(body: bytes) -> None:
    out = sent(Route(URL, abort=abort), body)
    assert out.body == body
    assert out.request_id is None


# Ranks


def test_a_rank_is_named_in_a_header() -> None:
    out = sent(Route(URL, 3), b'{"messages":[]}')
    assert out.lines == [*LINES, b"x-data-parallel-rank: 3"]
    assert out.body == b'{"messages":[]}'
    assert len(LINES) == 1


def test_sglangs_own_endpoint_reads_it_in_the_body() -> None:
    assert added(Route(URL, 3), GENERATE) == {"data_parallel_rank": 3}


@pytest.mark.parametrize("field", ["routed_dp_rank", "data_parallel_rank"])
@pytest.mark.parametrize("more", [{}, {"messages": "?"}])
def test_a_rank_that_the_client_chose_is_refused(field: str, more: dict[str, str]) -> None:
    body = json.dumps({field: 0, **more}).encode()
    with pytest.raises(RequestProblem, match="leave data_parallel_rank out") as caught:
        sent(Route(URL, 3), body)
    assert (caught.value.status, caught.value.reason) == (400, "rank_is_chosen")
    assert sent(Route(URL), body).body == body


def test_so_is_one_in_a_header() -> None:
    own = [b"x-data-parallel-rank: 0"]
    with pytest.raises(RequestProblem, match="leave X-Data-Parallel-Rank out"):
        with_rank(Route(URL, 3), own)
    assert with_rank(Route(URL), own) is own
