"""Lines into JSON objects: JSON Lines, or one JSON array of objects over any number of lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from thunderagent.simulation.traces.fields import BadRecord, Record
from thunderagent.simulation.traces.log import ImportLog


def read_records(lines: Iterable[str], log: ImportLog) -> list[Record]:
    """All JSON objects; everything else is counted in the log."""
    read = list(lines)
    log.lines = len(read)
    filled = [(f"line {number}", line) for number, line in enumerate(read, 1) if line.strip()]
    log.empty_lines = len(read) - len(filled)
    values = _array(filled) or _lines(filled, log)
    return [record for where, value in values if (record := _record(where, value, log))]


def _array(filled: list[tuple[str, str]]) -> list[tuple[str, Any]]:
    if not filled or not filled[0][1].lstrip().startswith("["):
        return []
    try:
        array = _json("".join(line for _, line in filled))
    except BadRecord:
        return []
    return [(f"entry {number}", value) for number, value in enumerate(array, 1)] if isinstance(array, list) else []


def _lines(filled: list[tuple[str, str]], log: ImportLog) -> Iterator[tuple[str, Any]]:
    for where, line in filled:
        try:
            yield where, _json(line)
        except BadRecord as error:
            log.broken(where, error)


def _record(where: str, value: Any, log: ImportLog) -> Record | None:
    if isinstance(value, dict):
        return Record(where, value)
    log.broken(where, "no JSON object")
    return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadRecord(f"no JSON ({error.msg} at column {error.colno})") from None
    except (ValueError, RecursionError):  # numbers of thousands of digits, nesting without end
        raise BadRecord("JSON beyond all bounds") from None
