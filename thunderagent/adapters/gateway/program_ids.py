"""Ids of programs, as clients give them: in the body, in a header or in the path."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from thunderagent.errors import RequestProblem

PATH_PREFIX = b"/p/"
"""``/p/{program}/v1/chat/completions``: for clients of which only the base URL can be set."""
PATH = PATH_PREFIX
"""What the program of the path is noted as, beside the headers, none of which can be called this."""
PROGRAM_HEADERS = (b"x-program-id", b"x-session-id", b"x-smg-routing-key")
"""The last is that of SGLang's gateway, which sends all requests with the same key to one engine."""
SOURCES = (PROGRAM_HEADERS[0], PATH, *PROGRAM_HEADERS[1:])
"""The first that is there counts, after a ``program_id`` in the body: what was meant for us goes before what may be there for
others."""
MAX_CHARACTERS = 256
"""Longer than any trajectory or session id in use; ids are kept in memory and appear in metrics and logs."""


def valid_program_id(value: object) -> str:
    """The id, if it is one: printable text of 1 to 256 characters that is not blank.

    Args:
        value: what the client gave, a decoded JSON value or the bytes of a header (UTF-8).

    Raises:
        RequestProblem: 400 ``invalid_program_id``. The message does not contain the value.
    """
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            raise _problem("it is not UTF-8") from None
    if not isinstance(value, str):
        raise _problem("it is not a string")
    if not value or value.isspace():
        raise _problem("it is empty")
    if len(value) > MAX_CHARACTERS:
        raise _problem(f"it has {len(value)} characters")
    if not value.isprintable():
        raise _problem("it has characters that cannot be printed")
    return value


def noted_program_id(noted: Mapping[bytes, bytes]) -> str | None:
    """The id in a request's headers or path; None: there is none.

    Raises:
        RequestProblem: 400 ``invalid_program_id``.
    """
    for source in SOURCES:
        value = noted.get(source)
        if value is not None:
            return valid_program_id(value if source is PATH else value.strip())  # blanks around it are no part of a header
    return None


def split_path(url: bytes) -> tuple[bytes, bytes]:
    """A URL that begins with ``PATH_PREFIX``, without prefix and program, and the program as it was before it was encoded."""
    path, mark, query = url.partition(b"?")
    program, _, rest = path[len(PATH_PREFIX) :].partition(b"/")
    return b"".join((b"/", rest, mark, query)), unquote_to_bytes(program)


def _problem(what: str) -> RequestProblem:
    message = f"program_id must be printable text of 1 to {MAX_CHARACTERS} characters: {what}"
    return RequestProblem(400, "invalid_program_id", message, param="program_id")
