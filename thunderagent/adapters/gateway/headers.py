"""Headers on their way through: what belongs to one connection stays there, everything else goes on."""

from __future__ import annotations

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]
"""Names in lower case."""

HOP_BY_HOP = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    )
)
"""RFC 9110, section 7.6.1."""
OURS_UPSTREAM = HOP_BY_HOP | {b"host", b"content-length", b"expect"}
"""Said anew to the engine."""
OURS_DOWNSTREAM = HOP_BY_HOP | {b"content-length"}
"""Said anew to the client."""


def named_by_connection(headers: Headers) -> frozenset[bytes]:
    """Further headers that the sender meant for this connection only."""
    for name, value in headers:
        if name == b"connection":
            return frozenset(token.strip().lower() for token in value.split(b","))
    return frozenset()


def upstream_lines(headers: Headers, without: Iterable[bytes] = ()) -> list[bytes]:
    """Lines for the engine, without their ends; ``without``: further names to leave out."""
    dropped = OURS_UPSTREAM.union(without, named_by_connection(headers))
    return [name + b": " + value for name, value in headers if name not in dropped]


def downstream(headers: Headers) -> Headers:
    """Headers of an engine's answer, for the client."""
    dropped = OURS_DOWNSTREAM | named_by_connection(headers)
    return [header for header in headers if header[0] not in dropped]


def first(headers: Headers, name: bytes) -> bytes | None:
    """The value of the first header of this name (lower case)."""
    return next((value for key, value in headers if key == name), None)
