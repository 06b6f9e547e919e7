"""Ids of programs are taken as they are, or refused before they get anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from thunderagent.adapters.gateway.program_ids import valid_program_id
from thunderagent.errors import RequestProblem


@pytest.mark.parametrize("value", ["train/5_0", "a b", "läuft→", "x" * 256, b"session-1", "läuft".encode(), "\U0001f680"])
def test_printable_text_is_taken_as_it_is(value: str | bytes) -> None:
    assert valid_program_id(value) == (value.decode() if isinstance(value, bytes) else value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "   ",
        "x" * 257,
        "x" * 1_000_000,
        "a\nb",
        "a\x00",
        "\x7f",
        "\u202e",
        "\ud800",
        b"",
        b"\xff",
        b"a\r\nb",
        7,
        1.5,
        True,
        None,
        {},
        [],
    ],
)
def test_anything_else_is_a_bad_request_that_names_the_field_and_not_the_value(value: Any) -> None:
    with pytest.raises(RequestProblem) as caught:
        valid_program_id(value)
    assert (caught.value.status, caught.value.reason, caught.value.param) == (400, "invalid_program_id", "program_id")
    assert len(str(caught.value)) < 120
