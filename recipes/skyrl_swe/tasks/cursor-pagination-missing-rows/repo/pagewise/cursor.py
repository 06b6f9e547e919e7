"""Opaque cursors: a position as text that is safe in a URL."""

import base64
import binascii
import json


class CursorError(ValueError):
    """The cursor is damaged or belongs to another order."""


def encode(query, row):
    """Return the cursor for the position of a row in a query."""
    direction = "desc" if query.descending else "asc"
    payload = [query.column, direction, *query.sort_key(row)]
    raw = json.dumps(payload, separators=(",", ":")).encode("utf-8")
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def decode(query, text):
    """Return the position that a cursor stands for in a query."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        column, direction, value, key = json.loads(raw)
    except (ValueError, TypeError, binascii.Error) as error:
        raise CursorError(f"damaged cursor {text!r}") from error
    expected = "desc" if query.descending else "asc"
    if (column, direction) != (query.column, expected):
        raise CursorError(f"cursor is for order {column} {direction}")
    return value, key
