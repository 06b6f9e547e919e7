"""Events end where the standard says, and objects in them are found however the stream is cut."""

from __future__ import annotations

import pytest

from tests.adapters.gateway.streams import event
from thunderagent.adapters.gateway.events import END_OF_EVENT, data_of, last_objects, objects


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_an_empty_line_ends_an_event(end: str) -> None:
    text = event("a\nb", "x", end) + event("c", end=end)
    found = END_OF_EVENT.search(text)
    assert found is not None
    assert text[: found.end()] == event("a\nb", "x", end)


@pytest.mark.parametrize("text", [b"data: a\r\ndata: b", b"data: a\n", b"data: a\r\n", b"data: a\r"])
def test_one_line_end_does_not(text: bytes) -> None:
    assert END_OF_EVENT.search(text) is None


def test_data_is_its_lines_joined_without_names_and_comments() -> None:
    assert data_of(b": ping\nevent: x\ndata: {\r\ndata:}\rid: 7\n\n") == b" {\n}"


def test_objects_are_found_in_order_from_either_side() -> None:
    text = b'"usage":{"n":1} "usage" : {"n":2}, "usage":null, "usage":[1], {"usage":\n{"n":3}'
    assert [found["n"] for found in objects(text, b'"usage"')] == [1, 2, 3]
    assert [found["n"] for found in last_objects(text, b'"usage"')] == [3, 2, 1]


def test_what_is_cut_off_or_inside_of_a_string_is_not_found() -> None:
    for text in (
        b'"usage":{"n":1',
        b'"usage":',
        b'usage":{"n":1}',
        rb'"text: \"usage\":{\"n\":1}"',
        b'"usage":{n}',
        b'"usage":{]',
    ):
        assert list(objects(text, b'"usage"')) == []
        assert list(last_objects(text, b'"usage"')) == []


def test_an_object_over_several_lines_of_data_is_found() -> None:
    text = b'data: {"usage":\r\ndata: {"n":\r\ndata:1}}\r\n\r\n'
    assert list(objects(text, b'"usage"')) == [{"n": 1}]


def test_endless_nesting_is_no_object() -> None:
    assert list(objects(b'"usage":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b'"usage"')) == []
