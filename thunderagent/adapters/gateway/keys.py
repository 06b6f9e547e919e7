"""API keys: read from a file or the environment, compared in constant time, never shown."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from thunderagent.errors import ConfigError

logger = logging.getLogger(__name__)

Headers = Iterable[tuple[bytes, bytes]]
"""As ASGI has them: names in lower case."""

_USABLE_KEY = re.compile(r"[!-~]+")
"""What an HTTP header carries without quoting: visible ASCII, no space."""


class Keys:
    """A set of keys that a client may show. Only salted digests are kept: they cannot be printed, and are all equally long."""

    __slots__ = ("_digests", "_salt")

    def __init__(self, keys: Iterable[str] = ()) -> None:
        """No keys: nobody can show one."""
        self._salt = secrets.token_bytes(32)
        self._digests = tuple(self._digest(key.encode()) for key in keys)

    @classmethod
    def load(cls, file: Path | None = None, env: str | None = None, environ: Mapping[str, str] = os.environ) -> Keys:
        """Keys of a file (one a line; empty lines and those that begin with ``#`` are none) and of the environment.

        Args:
            file: its path; None: no file.
            env: name of the variable that holds keys, with commas or spaces between them; None: no variable.
            environ: where the variable is looked up.

        Raises:
            ConfigError: the file cannot be read, there is no such variable, or no usable key is in it.
        """
        keys: list[str] = []
        if file is not None:
            keys += _usable("key file", str(file), _lines(file))
        if env is not None:
            keys += _usable("key variable", env, re.split(r"[\s,]+", environ.get(env, "")))
        return cls(keys)

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


def _lines(file: Path) -> Sequence[str]:
    try:
        mode, text = file.stat().st_mode, file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ConfigError("key file", file, f"cannot be read: {problem}") from None  # the cause would show its content
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        logger.warning("key file %s can be read by other users: chmod 600 it", file)
    return [line.strip() for line in text.splitlines() if not line.lstrip().startswith("#")]


def _usable(source: str, name: str, candidates: Sequence[str]) -> list[str]:
    keys = [key for key in candidates if key]
    if not keys:
        raise ConfigError(source, name, "no key is in it")
    for number, key in enumerate(keys, start=1):
        if not _USABLE_KEY.fullmatch(key):
            raise ConfigError(source, name, f"key {number} has a character that cannot be sent: visible ASCII only, no spaces")
    return keys
