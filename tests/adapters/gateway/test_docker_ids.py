"""``docker_ids`` in a request's body: what is taken, what is cut out."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.memory_sandboxes import MemorySandboxes
from thunderagent.adapters.gateway import docker_ids
from thunderagent.adapters.gateway.body import CHECKED_BYTES, BodyReader, RequestFields
from thunderagent.adapters.gateway.docker_ids import MAX_CHARACTERS, MAX_IDS, valid_docker_ids
from thunderagent.errors import RequestProblem
from thunderagent.runtime.tools import ToolHost

READER = BodyReader(RequestFields, usage_on_request=True)


def taken(body: str) -> tuple[Any, str | None, tuple[str, ...]]:
    asked = READER.read(body.encode())
    return json.loads(asked.body), asked.program_id, asked.docker_ids


def test_a_body_without_the_field_is_forwarded_as_the_same_object() -> None:
    body = b'{"model":"m","messages":["docker_ids"]}'
    asked = READER.read(body)
    assert (asked.body is body, asked.docker_ids) == (True, ())


@pytest.mark.parametrize(
    "body",
    [
        '{"model":"m","program_id":"p","docker_ids":["a","b"]}',
        '{"docker_ids":["a","b"],"program_id":"p","model":"m"}',
        '{"model":"m","docker\\u005fids":["a","b"],"program_id":"p"}',
        '{"model":"m","docker_ids":["a","b","a"],"program_id":"p"}',
        '{"model":"m","docker_ids":["a","b"],"program_id":"p","stream":5}',
    ],
)
def test_the_field_is_read_and_cut_out(body: str) -> None:
    forwarded, program_id, docker_ids = taken(body)
    assert (program_id, docker_ids) == ("p", ("a", "b"))
    assert {name: value for name, value in forwarded.items() if name != "stream"} == {"model": "m"}


def test_it_is_found_where_some_clients_leave_it_and_the_others_stay() -> None:
    body = '{"model":"m","extra_body":{"docker_ids":["a"],"program_id":"p","top_k":3}}'
    assert taken(body) == ({"model": "m", "extra_body": {"top_k": 3}}, "p", ("a",))
    both = '{"docker_ids":["a"],"extra_body":{"docker_ids":["b"],"program_id":"p"}}'
    assert taken(both) == ({"extra_body": {}}, "p", ("a",))


def test_it_is_cut_out_of_long_bodies_and_streams_too() -> None:
    long = json.dumps({"messages": ["x" * CHECKED_BYTES], "docker_ids": ["a"], "program_id": "p", "stream": True})
    forwarded, program_id, docker_ids = taken(long)
    assert forwarded == {"messages": ["x" * CHECKED_BYTES], "stream": True, "stream_options": {"include_usage": True}}
    assert (program_id, docker_ids) == ("p", ("a",))


def test_null_and_an_empty_list_name_nothing() -> None:
    assert taken('{"model":"m","docker_ids":null}') == ({"model": "m"}, None, ())
    assert taken('{"model":"m","docker_ids":[]}') == ({"model": "m"}, None, ())


@pytest.mark.parametrize(
    "value",
    ["a", 5, {"a": 1}, [5], [None], [""], ["a b"], ["a\n"], ["x" * (MAX_CHARACTERS + 1)], ["x"] * (MAX_IDS + 1), True],
    ids=str,
)
def test_what_names_no_containers_is_refused_without_repeating_it(value: object) -> None:
    with pytest.raises(RequestProblem, match="docker_ids") as caught:
        valid_docker_ids(value)
    assert (caught.value.status, caught.value.reason, caught.value.param) == (400, "invalid_docker_ids", "docker_ids")
    with pytest.raises(RequestProblem):
        READER.read(json.dumps({"docker_ids": value}).encode())


def test_half_a_surrogate_pair_is_no_name() -> None:
    with pytest.raises(RequestProblem):
        READER.read(b'{"docker_ids": ["\\ud800"]}')


def test_a_container_engine_that_hangs_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(MemorySandboxes):
        async def attach(self, name: str) -> str:
            await asyncio.Event().wait()
            return name

    async def scenario() -> None:
        with pytest.raises(RequestProblem, match=r"docker did not answer within 0\.01 s") as caught:
            await docker_ids.attach(ToolHost(Hanging(), "owner"), "p", ("box",))
        assert (caught.value.status, caught.value.reason) == (503, "tools_failed")

    monkeypatch.setattr(docker_ids, "TIMEOUT_S", 0.01)
    asyncio.run(scenario())
