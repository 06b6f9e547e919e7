"""Headers on their way through: what belongs to one connection stays there, everything else goes on."""

from __future__ import annotations

Headers = list[tuple[bytes, bytes]]
"""Names in lower case."""

HOP_BY_HOP = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    )
)
"""RFC 9110, section 7.6.1."""
NOTHING: frozenset[bytes] = frozenset()
OURS_UPSTREAM = HOP_BY_HOP | {b"host", b"content-length", b"expect"}
"""Said anew to the engine."""
OURS_DOWNSTREAM = HOP_BY_HOP | {b"content-length"}
"""Said anew to the client."""


def named_by_connection(value: bytes | None) -> frozenset[bytes]:
    """Further headers that the sender meant for this connection only."""
    if value is None or value in (b"keep-alive", b"close"):
        return NOTHING
    return frozenset(token.strip().lower() for token in value.split(b","))


def upstream_lines(headers: Headers, dropped: frozenset[bytes], connection: bytes | None) -> list[bytes]:
    """Lines for the engine, without their ends.

    ``dropped``: names to leave out, ``OURS_UPSTREAM`` among them; ``connection``: the value of that header.
    """
    named = named_by_connection(connection)
    if named:
        dropped |= named
    return [name + b": " + value for name, value in headers if name not in dropped]


def downstream(headers: Headers) -> Headers:
    """Headers of an engine's answer, for the client."""
    named = named_by_connection(first(headers, b"connection"))
    dropped = OURS_DOWNSTREAM | named if named else OURS_DOWNSTREAM
    return [header for header in headers if header[0] not in dropped]


def first(headers: Headers, name: bytes) -> bytes | None:
    """The value of the first header of this name (lower case)."""
    for key, value in headers:
        if key == name:
            return value
    return None
