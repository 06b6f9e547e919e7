"""Paths that mean what they say, and errors out of answers."""

from __future__ import annotations

import json

import pytest

from thunderagent.client import wire
from thunderagent.errors import SandboxError, SandboxGone, SandboxProblem, SandboxRefused


def problem(status: int, code: str, message: str = "because", **headers: str) -> SandboxError:
    with pytest.raises(SandboxError) as caught:
        wire.read("p", status, headers, json.dumps({"error": {"message": message, "code": code}}).encode())
    return caught.value


def test_an_id_is_one_segment_of_a_path_whatever_is_in_it() -> None:
    assert wire.tools_path("train/5_0") == "/programs/train%2F5_0/tools"
    assert wire.tools_path("..", "a.b", "exec") == "/programs/%2E%2E/tools/a%2Eb/exec"
    assert wire.ports_path("a?b#c%2F ü") == "/programs/a%3Fb%23c%252F%20%C3%BC/ports"


def test_the_url_of_openais_clients_is_taken_too() -> None:
    assert {wire.base_url(url) for url in ("http://g:1", "http://g:1/", "http://g:1/v1", "http://g:1/v1/")} == {"http://g:1"}


def test_an_answer_is_its_json() -> None:
    assert wire.read("p", 200, {}, b'{"port": 5}') == {"port": 5}


def test_problems_are_the_errors_that_the_host_raises() -> None:
    refused = problem(503, "sandbox_refused", **{"retry-after": "7"})
    assert isinstance(refused, SandboxRefused)
    assert (refused.program_id, refused.reason, refused.retry_after_s) == ("p", "because", 7.0)
    never = problem(422, "sandbox_refused", **{"retry-after": "soon"})
    assert isinstance(never, SandboxRefused) and never.retry_after_s is None
    assert isinstance(problem(404, "unknown_sandbox"), SandboxGone)
    assert isinstance(problem(400, "unknown_container"), SandboxGone)


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (401, True), (404, True), (502, True), (429, False), (503, False), (504, False)]
)
def test_other_problems_say_whether_another_try_may_help(status: int, permanent: bool) -> None:
    other = problem(status, "something")
    assert isinstance(other, SandboxProblem)
    assert (str(other), other.permanent) == ("because", permanent)


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"error": "no"}', b'{"detail": "Not Found"}'])
def test_what_others_answer_is_told_by_its_status(body: bytes) -> None:
    with pytest.raises(SandboxProblem, match="the gateway answered 404"):
        wire.read("p", 404, {}, body)
