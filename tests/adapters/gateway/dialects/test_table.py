"""Every dialect keeps what all promise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thunderagent.adapters.gateway.answer import Answered, Asked, Dialect
from thunderagent.adapters.gateway.dialects import DIALECTS
from thunderagent.errors import RequestProblem

EVERY = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
SMALL = st.sampled_from(
    [None, True, 0, -3, 1 << 70, "", "p", "data:,AA", [], {}, [1, 2], [[1], "x"], ["x", 7], {"type": 7}, {"n": 2}]
)
JSON = (
    SMALL | st.lists(SMALL, max_size=2) | st.dictionaries(st.sampled_from(["content", "type", "message", "a"]), SMALL, max_size=2)
)
REQUEST = [
    "messages",
    "prompt",
    "input",
    "text",
    "input_ids",
    "token_ids",
    "system",
    "tools",
    "n",
    "sampling_params",
    "image_data",
]
STREAM = ["stream", "stream_options", "extra_body"]
ANSWER = ["usage", "choices", "content", "output", "meta_info"]
REQUESTS = st.dictionaries(st.sampled_from(REQUEST + STREAM), JSON | st.lists(JSON, max_size=2), max_size=6)
ANSWERS = st.dictionaries(st.sampled_from(ANSWER), JSON | st.lists(JSON, max_size=2), max_size=4).map(
    lambda x: json.dumps(x).encode()
)


def test_the_table_has_every_path() -> None:
    assert list(DIALECTS) == [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/messages",
        "/generate",
        "/inference/v1/generate",
        "/skyrl/v1/generate",
    ]
    assert [path for path, dialect in DIALECTS.items() if dialect.anthropic] == ["/v1/messages"]


@EVERY
@given(body=REQUESTS)
def test_any_json_object_is_forwarded_without_our_field(dialect: Dialect, body: dict[str, Any]) -> None:
    asked = dialect.read(json.dumps(body | {"program_id": "p"}).encode())
    assert asked.program_id == "p"
    assert asked.prompt.characters >= 0
    forwarded = json.loads(asked.body)
    if asked.hide_usage:
        assert forwarded.pop("stream_options")["include_usage"] is True
        body.pop("stream_options", None)
    assert forwarded == body


@EVERY
@pytest.mark.parametrize("body", [b"", b"[]", b"nothing", b'{"a":', b'{"messages":[' + b"[" * 100_000])
def test_what_is_no_json_object_is_refused(dialect: Dialect, body: bytes) -> None:
    with pytest.raises(RequestProblem) as caught:
        dialect.read(body)
    assert caught.value.status == 400


@EVERY
@given(answer=st.binary(max_size=50) | ANSWERS)
def test_an_answer_that_makes_no_sense_tells_nothing(dialect: Dialect, answer: bytes) -> None:
    assert dialect.answered(answer).usage is None
    assert dialect.answered(answer, Asked(b"")).usage is None


@EVERY
@pytest.mark.parametrize(
    "answer",
    [
        b'{"error":{"message":"no","type":"server_error","param":null,"code":500}}',
        b'{"type":"error","error":{"type":"overloaded_error","message":"no"}}',
        b'{"usage":{"prompt_tokens":NaN,"completion_tokens":1}}',
        b'{"usage":{"prompt_tokens":5,"completion_tokens":1}',
        b"\xff\xfe",
        b"[" * 100_000,
        b"<html></html>",
    ],
)
def test_errors_and_truncated_answers_tell_nothing(dialect: Dialect, answer: bytes) -> None:
    assert dialect.answered(answer) == Answered()


@EVERY
def test_a_stream_that_breaks_off_tells_nothing(dialect: Dialect) -> None:
    for asked in (Asked(b"", stream=True), Asked(b"", stream=True, hide_usage=True)):
        reader = dialect.stream(asked)
        assert reader.feed(b'data: {"usage":{"prompt') + reader.end() == b'data: {"usage":{"prompt'
        assert reader.answered == Answered()
