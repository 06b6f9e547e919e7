"""Reads wanted series out of a page in Prometheus' text format. What is not wanted costs one fast search, whatever it says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

_QUOTED = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_LABEL = re.compile(rb"\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*(%(quoted)s)\s*(?:,|$)" % {b"quoted": _QUOTED})
_LINE = re.compile(rb"#|[a-zA-Z_:][a-zA-Z0-9_:]*(?:[ \t]*\{.*\})?[ \t]+\S+(?:[ \t]+-?[0-9.]+)?\s*$")
_ESCAPED = re.compile(r'\\([\\n"])')
AFTER_NAME = b"{ \t"
"""What ends a name."""
KEPT_LABELS = 8_192
"""The labels of a series are the same with every look: 100 engines of 8 ranks have so many series that are wanted."""


class Sample(NamedTuple):
    """One line."""

    labels: Mapping[str, str]
    value: float


def samples(page: bytes, names: Iterable[str]) -> dict[str, list[Sample]]:
    """The samples of each of these series; of those that the page does not have, none.

    For gauges and counters: all lines of one stand together, and begin with its name, as exporters write them. The series are
    given back in the order of the page: names in that order cost one search for all, so they are the best for the next look.

    Raises:
        ValueError: a line of a wanted series is broken; the message has it.
    """
    found: list[tuple[int, str, list[Sample]]] = []
    at = 0
    names = tuple(names)
    page = _whole_lines(page, names)
    for name in names:
        encoded, lines = name.encode(), list[Sample]()
        start = _first_line(page, encoded, at)
        if start >= 0:
            at = _read_lines(page, encoded, start, lines)
        found.append((start if start >= 0 else len(page), name, lines))
    found.sort()
    return {name: lines for _, name, lines in found}


def problem(page: bytes) -> str | None:
    """Why this is no whole page of the format, judged by its beginning and its end; None: it may be one."""
    start = page[:512].lstrip()
    if not start:
        return "is empty"
    if start.startswith(b"<"):
        return "is HTML"
    if start.startswith((b"{", b"[")):
        return "is JSON"
    first = page[: page.find(b"\n")].strip() if b"\n" in page else page
    if not _LINE.match(first):
        return "is no Prometheus text"
    if not page.endswith(b"\n"):  # the format ends every line with one
        return "breaks off"
    last = page[page.rfind(b"\n", 0, -1) + 1 :].strip()
    return None if not last or _LINE.match(last) else "breaks off"


def _whole_lines(page: bytes, names: Iterable[str]) -> bytes:
    """Without half a line at its end."""
    if page.endswith(b"\n"):
        return page
    end = page.rfind(b"\n") + 1
    half = page[end:]
    for name in names:
        if half.startswith(name.encode()) and half[len(name) :].startswith((b"{", b" ", b"\t")):
            raise ValueError(f"{_shown(half)} breaks off")
    return page[:end]


def _first_line(page: bytes, name: bytes, at: int) -> int:
    """Where the first line of a series begins, looked for behind ``at`` and then before it; -1: nowhere."""
    line = b"\n" + name
    for start, end in ((at - 1, len(page)), (-1, at)):
        if start < 0 and _is_of(page, name, 0):
            return 0
        found = page.find(line, max(start, 0), end)
        while found >= 0:
            if page[found + len(line)] in AFTER_NAME:
                return found + 1
            found = page.find(line, found + 1, end)
    return -1


def _read_lines(page: bytes, name: bytes, start: int, lines: list[Sample]) -> int:
    """Take in the samples from here on; tells where the next series begins."""
    while True:
        end = page.find(b"\n", start)
        lines.append(_sample(page[start + len(name) : end], name))
        start = end + 1
        if not page.startswith(name, start) or page[start + len(name)] not in AFTER_NAME:
            return start


def _is_of(page: bytes, name: bytes, start: int) -> bool:
    """Whether the line that begins there is of this series, and not of one whose name goes on."""
    return page.startswith(name, start) and page[start + len(name)] in AFTER_NAME


def _sample(rest: bytes, name: bytes) -> Sample:
    """Of a line, behind its name: labels in braces, value, and a time that is not used."""
    braces = rest.rfind(b"}") + 1
    value, *time = rest[braces:].split() or (b"",)
    try:
        if len(time) > 1 or b"_" in value:  # float() would take 1_000
            raise ValueError
        return Sample(_labels(rest[:braces]), float(value))
    except ValueError:
        raise ValueError(f"{_shown(name + rest)} is broken") from None


@lru_cache(KEPT_LABELS)
def _labels(braces: bytes) -> Mapping[str, str]:
    labels: dict[str, str] = {}
    at = 0
    text = braces.strip()
    if text:
        if not text.startswith(b"{"):
            raise ValueError(text)
        text = text[1:-1].strip()
    while at < len(text):
        matched = _LABEL.match(text, at)
        if matched is None:
            raise ValueError(text)
        name, value = matched[1].decode(), matched[2][1:-1].decode("utf-8", "replace")
        if name in labels:
            raise ValueError(text)
        labels[name] = _ESCAPED.sub(_unescaped, value) if "\\" in value else value
        at = matched.end()
    return labels


def _unescaped(matched: re.Match[str]) -> str:
    return "\n" if matched[1] == "n" else matched[1]


def _shown(line: bytes) -> str:
    """Enough of it to find it by."""
    text = line.decode("utf-8", "replace")
    return text if len(text) <= 80 else f"{text[:40]}...{text[-37:]}"
