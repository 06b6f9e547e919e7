"""Headers on their way through."""

from __future__ import annotations

from thunderagent.adapters.gateway.headers import OURS_UPSTREAM, downstream, first, upstream_lines


def test_the_engine_gets_the_clients_headers_without_those_of_its_connection() -> None:
    headers = [
        (b"host", b"gateway"),
        (b"authorization", b"Bearer secret"),
        (b"x-session-id", b"p"),
        (b"connection", b"keep-alive"),
        (b"transfer-encoding", b"chunked"),
        (b"content-length", b"12"),
        (b"expect", b"100-continue"),
        (b"upgrade", b"h2c"),
    ]
    assert upstream_lines(headers, OURS_UPSTREAM, b"keep-alive") == [b"authorization: Bearer secret", b"x-session-id: p"]


def test_headers_that_connection_names_stay_on_that_connection() -> None:
    headers = [(b"connection", b"close, X-Trace"), (b"x-trace", b"1"), (b"x-other", b"2")]
    assert upstream_lines(headers, OURS_UPSTREAM, b"close, X-Trace") == [b"x-other: 2"]
    assert downstream(headers) == [(b"x-other", b"2")]


def test_the_client_gets_the_engines_headers_with_its_encoding_and_without_its_framing() -> None:
    headers = [(b"content-encoding", b"gzip"), (b"content-length", b"9"), (b"transfer-encoding", b"chunked"), (b"date", b"now")]
    assert downstream(headers) == [(b"content-encoding", b"gzip"), (b"date", b"now")]


def test_repeated_headers_stay_repeated_and_in_order() -> None:
    headers = [(b"set-cookie", b"a=1"), (b"x", b"y"), (b"set-cookie", b"b=2")]
    assert downstream(headers) == headers
    assert first(headers, b"set-cookie") == b"a=1"
    assert first(headers, b"cookie") is None
