"""Reads wanted series out of a page in Prometheus' text format. What is not wanted costs one fast search, whatever it says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

_SAMPLE = re.compile(
    rb"""(?:[ \t]*\{((?:[^"}]|"(?:[^"\\]|\\.)*+")*+)\})?[ \t]*+  # labels
    ([^\s_]+)                                                     # value; float() would take 1_000
    (?:[ \t]+[^\s_]+)?\s*                                         # time, not used""",
    re.VERBOSE,
)
_LABEL = re.compile(rb'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*+)"\s*(?:,|$)')
_LINE = re.compile(rb"#|[a-zA-Z_:][a-zA-Z0-9_:]*(?:[ \t]*\{.*\})?[ \t]+\S+(?:[ \t]+-?[0-9.]+)?\s*$")
_ESCAPED = re.compile(r'\\([\\n"])')
KEPT_LABELS = 8_192
"""The labels of a series are the same with every look: 100 engines of 8 ranks have so many series that are wanted."""


class Sample(NamedTuple):
    """One line."""

    labels: Mapping[str, str]
    value: float


def samples(page: bytes, names: Iterable[str]) -> dict[str, list[Sample]]:
    """The samples of each of these series, in order; of those that the page does not have, none.

    Lines must begin with the name, as exporters write them.

    Raises:
        ValueError: a line of a wanted series is broken; the message has it.
    """
    return {name: list(_of(page, name.encode())) for name in names}


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


def _of(page: bytes, name: bytes) -> Iterable[Sample]:
    line = b"\n" + name
    at = -1 if page.startswith(name) else page.find(line)
    while at >= -1:
        start = at + len(line)
        end = page.find(b"\n", start)
        if end < 0:
            raise ValueError(f"{_shown(page[at + 1 :])} breaks off")
        if page[start : start + 1] in b"{ \t":
            yield _sample(page[start:end], name)
        at = page.find(line, end)
        if at < 0:
            return


def _sample(rest: bytes, name: bytes) -> Sample:
    matched = _SAMPLE.fullmatch(rest)
    if matched is None:
        raise ValueError(f"{_shown(name + rest)} is broken")
    try:
        return Sample(_labels(matched[1] or b""), float(matched[2]))
    except ValueError:
        raise ValueError(f"{_shown(name + rest)} is broken") from None


@lru_cache(KEPT_LABELS)
def _labels(text: bytes) -> Mapping[str, str]:
    labels: dict[str, str] = {}
    at = 0
    text = text.strip()
    while at < len(text):
        matched = _LABEL.match(text, at)
        if matched is None:
            raise ValueError(text)
        name, value = matched[1].decode(), matched[2].decode("utf-8", "replace")
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
