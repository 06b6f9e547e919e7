"""A request's bytes with our own fields cut out, or members for the engine put in; all others stay the client's own.

Only JSON that was decoded without an error comes here. In it, ``"program_id"`` after a comma or a brace is a whole string: were
its first quote the end of another string, a bare word would follow, and inside of one there would be a backslash before it.
"""

from __future__ import annotations

import re

from thunderagent.adapters.gateway.raw_json import UNREADABLE, members

WINDOW = 4096
"""Bytes at either end of a body in which the field is searched: SDKs write it last, people first. A search of the whole body
would cost as much as reading it."""
_KEY = b'"program_id"'
_MEMBER = re.compile(rb'"program_id"[ \t\r\n]*:[ \t\r\n]*"[^"\\]*"')
_SPACE = b" \t\r\n"

USAGE_WISH = b'"stream_options":{"include_usage":true},'
NO_CUT = (0, 0)


def find_member(body: bytes) -> tuple[int, int] | None:
    """Where to cut the top-level member ``program_id``, one comma included: from, to.

    None: it is not near an end, or not written plainly; the body has to be taken apart.
    """
    at = body.rfind(_KEY, max(0, len(body) - WINDOW))
    if at >= 0 and (end := _end_of_member(body, at)) and _is_rest_of_object(body, end):
        return _with_comma(body, at, end)
    at = body.find(_KEY, 0, WINDOW)
    if at >= 0 and (end := _end_of_member(body, at)) and _is_start_of_object(body, at):
        return _with_comma(body, at, end)
    return None


def is_written_once(body: bytes) -> bool:
    """Whether no second ``program_id`` can be at any level, plain or with escapes."""
    return body.count(_KEY) == 1 and b"\\u" not in body


def edited(body: bytes, cut: tuple[int, int], ask_for_usage: bool) -> bytes:
    """The body without a stretch of bytes, with a wish for the stream's usage as its first member; the same object if unchanged.

    The object must have another member beside the one that is cut if a usage is asked for; ``"stream":true`` is one.
    """
    start, end = cut
    if not ask_for_usage:
        return body if start == end else b"".join((memoryview(body)[:start], memoryview(body)[end:]))
    opened = body.index(b"{") + 1
    start, end = max(start, opened), max(end, opened)
    whole = memoryview(body)
    return b"".join((whole[:opened], USAGE_WISH, whole[opened:start], whole[end:]))


def with_members(body: bytes, members: list[bytes]) -> bytes:
    """The body's object with these members before its own, none of which it has; the object must have others."""
    opened = body.index(b"{") + 1
    whole = memoryview(body)
    return b"".join((whole[:opened], b",".join(members), b",", whole[opened:]))


def _end_of_member(body: bytes, at: int) -> int:
    """Where the value of the key at ``at`` ends; 0 if it is no key or its value no plain string."""
    found = _MEMBER.match(body, at, at + WINDOW)
    return found.end() if found else 0


def _is_rest_of_object(body: bytes, end: int) -> bool:
    """Whether exactly one object is still open at ``end``: then what ended there is a member of the top level."""
    rest = body[end:]
    return rest == b"}" or _is_object(b'{"x":0' + rest)


def _is_start_of_object(body: bytes, at: int) -> bool:
    """The same, seen from the start: what comes before the key, closed at once, is an object."""
    return _is_object(body[:at] + b'"x":0}')


def _is_object(text: bytes) -> bool:
    try:
        members(text)
    except UNREADABLE:
        return False
    return True


def _with_comma(body: bytes, at: int, end: int) -> tuple[int, int] | None:
    """A member with the comma before it, or for the first member with the one after it."""
    before = body[max(0, at - WINDOW) : at].rstrip(_SPACE)
    if before.endswith(b","):
        return max(0, at - WINDOW) + len(before) - 1, end
    if not before.endswith(b"{"):
        return None  # inside of a string, or after more white space than anybody writes
    after = body[end : end + WINDOW]
    rest = after.lstrip(_SPACE)
    if rest.startswith(b","):
        return at, end + len(after) - len(rest) + 1
    return (at, end) if rest.startswith(b"}") else None
