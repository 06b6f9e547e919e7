"""API keys: compared in constant time, never shown."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable

Headers = Iterable[tuple[bytes, bytes]]
"""As ASGI has them: names in lower case."""


class Keys:
    """A set of keys that a client may show. Only salted digests are kept: they cannot be printed, and are all equally long."""

    __slots__ = ("_digests", "_salt")

    def __init__(self, keys: Iterable[str] = ()) -> None:
        """No keys: nobody can show one."""
        self._salt = secrets.token_bytes(32)
        self._digests = tuple(self._digest(key.encode()) for key in keys)

    def given(self, headers: Headers) -> bool:
        """Whether one of the keys is shown, as ``Authorization: Bearer KEY`` or ``X-Api-Key: KEY``.

        How long it takes does not tell which key was nearly right, nor how long the keys are.
        """
        found = False
        for shown in _shown(headers):
            digest = self._digest(shown)
            for known in self._digests:
                found |= hmac.compare_digest(digest, known)
        return found

    def __bool__(self) -> bool:
        return bool(self._digests)

    def __repr__(self) -> str:
        return f"<{len(self._digests)} keys>"

    def _digest(self, key: bytes) -> bytes:
        return hashlib.blake2b(key, key=self._salt, digest_size=32).digest()


def _shown(headers: Headers) -> list[bytes]:
    shown = []
    for name, value in headers:
        if name == b"x-api-key":
            shown.append(value.strip())
        elif name == b"authorization":
            scheme, _, key = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                shown.append(key.strip())
    return shown
