"""Ids of programs, as clients give them: in the body or in a header."""

from __future__ import annotations

from thunderagent.errors import RequestProblem

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


def _problem(what: str) -> RequestProblem:
    message = f"program_id must be printable text of 1 to {MAX_CHARACTERS} characters: {what}"
    return RequestProblem(400, "invalid_program_id", message, param="program_id")
