"""Problems reach clients in the shape of the API that they speak."""

from __future__ import annotations

import json

import pytest

from thunderagent.adapters.gateway.problems import render, stream_problem
from thunderagent.errors import RequestProblem

FULL = RequestProblem(429, "queue_full", "10,000 turns wait", param="messages", retry_after_s=1.2)


def test_openai_gets_type_param_and_the_reason_as_code() -> None:
    status, headers, body = render(FULL, anthropic=False)
    assert status == 429
    assert json.loads(body) == {
        "error": {"message": "10,000 turns wait", "type": "rate_limit_error", "param": "messages", "code": "queue_full"}
    }
    assert headers == [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", b"2"),
    ]


def test_anthropic_gets_its_own_shape() -> None:
    _, _, body = render(FULL, anthropic=True)
    assert json.loads(body) == {"type": "error", "error": {"type": "rate_limit_error", "message": "10,000 turns wait"}}


@pytest.mark.parametrize(
    ("status", "openai", "anthropic"),
    [
        (400, "invalid_request_error", "invalid_request_error"),
        (401, "authentication_error", "authentication_error"),
        (403, "permission_error", "permission_error"),
        (404, "not_found_error", "not_found_error"),
        (408, "invalid_request_error", "invalid_request_error"),
        (413, "invalid_request_error", "request_too_large"),
        (429, "rate_limit_error", "rate_limit_error"),
        (500, "server_error", "api_error"),
        (502, "server_error", "api_error"),
        (503, "server_error", "overloaded_error"),
        (504, "server_error", "timeout_error"),
    ],
)
def test_every_status_has_its_type(status: int, openai: str, anthropic: str) -> None:
    problem = RequestProblem(status, "x", "y")
    assert json.loads(render(problem, anthropic=False)[2])["error"]["type"] == openai
    assert json.loads(render(problem, anthropic=True)[2])["error"]["type"] == anthropic


@pytest.mark.parametrize(("wait_s", "told"), [(0.0, b"1"), (-3.0, b"1"), (0.1, b"1"), (1.0, b"1"), (59.01, b"60")])
def test_the_wait_is_told_in_whole_seconds(wait_s: float, told: bytes) -> None:
    headers = dict(render(RequestProblem(503, "x", "y", retry_after_s=wait_s), anthropic=False)[1])
    assert headers[b"retry-after"] == told


@pytest.mark.parametrize("wait_s", [None, float("nan"), float("inf")])
def test_no_wait_is_told_where_none_is_known(wait_s: float | None) -> None:
    assert len(render(RequestProblem(503, "x", "y", retry_after_s=wait_s), anthropic=False)[1]) == 2


def test_in_a_stream_a_problem_is_an_event_of_its_own_even_after_half_a_line() -> None:
    problem = RequestProblem(502, "engine_lost", "the engine went away\nfor good")
    cut_off = b'data: {"choices":[{"delta":{"con'
    *_, last, nothing = (cut_off + stream_problem(problem, anthropic=False)).split(b"\n\n")
    assert nothing == b""
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "engine_lost"
    *_, last, _ = (cut_off + stream_problem(problem, anthropic=True)).split(b"\n\n")
    name, data = last.split(b"\n")
    assert name == b"event: error"
    assert json.loads(data.removeprefix(b"data: "))["type"] == "error"
