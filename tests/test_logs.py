"""What is logged can be read by people and by machines, and is little unless more is asked for."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from thunderagent.logs import JsonLines, TextLines


def record(message: str = "program %s", *args: object, **fields: Any) -> logging.LogRecord:
    made = logging.LogRecord("thunderagent.x", logging.WARNING, "", 0, message, args or ("parked",), None)
    vars(made).update(fields)
    return made


def line(**fields: Any) -> str:
    return TextLines().format(record(**fields)).partition(" WARNING ")[2]


def test_a_text_line_has_the_message_and_its_fields() -> None:
    assert line() == "thunderagent.x: program parked"
    assert line(program="train/0_1", tokens=7, waited_s=1.23456) == (
        "thunderagent.x: program parked program=train/0_1 tokens=7 waited_s=1.235"
    )


@pytest.mark.parametrize("value", ["two words", "", 'a"b', "a=b", "two\nlines", "\x1b[31m"])
def test_a_field_never_looks_like_another_field_or_line(value: str) -> None:
    assert line(program=value) == f"thunderagent.x: program parked program={json.dumps(value)}"


def test_a_json_line_is_an_object_with_the_fields() -> None:
    told = json.loads(JsonLines().format(record(program='p"1', tokens=7)))
    assert told.pop("time").endswith("+00:00")
    assert told == {"level": "warning", "logger": "thunderagent.x", "message": "program parked", "program": 'p"1', "tokens": 7}


def test_a_traceback_is_part_of_its_line() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        failed = record("it failed: %s", "so")
        failed.exc_info = sys.exc_info()
    text = JsonLines().format(failed)
    assert "\n" not in text
    assert json.loads(text)["exception"].endswith("ValueError: why")


LOGGING = """
import logging, sys
from thunderagent import logs
logs.set_up(*sys.argv[1:])
for name in ("thunderagent.x", "library"):
    for level in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger(name), level)("%s of %s", level, name)
"""


def told(*arguments: str) -> list[str]:
    ran = subprocess.run([sys.executable, "-c", LOGGING, *arguments], capture_output=True, text=True, check=True)
    return ran.stderr.splitlines()


def test_only_warnings_are_told_unless_more_is_asked_for_and_of_libraries_never_more() -> None:
    library = ["warning of library", "error of library"]
    ours = ["warning of thunderagent.x", "error of thunderagent.x"]
    assert [text.partition(": ")[2] for text in told()] == ours + library
    assert [json.loads(text)["message"] for text in told("debug", "json")] == [
        *("debug of thunderagent.x", "info of thunderagent.x", *ours, *library)
    ]
    assert [json.loads(text)["message"] for text in told("error", "json")] == [ours[1], library[1]]
