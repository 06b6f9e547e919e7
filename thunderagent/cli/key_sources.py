"""API keys from files and from the environment. No error and no log line ever shows one."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from thunderagent.errors import ConfigError

API_KEY_ENV = "THUNDERAGENT_API_KEY"
ADMIN_KEY_ENV = "THUNDERAGENT_ADMIN_KEY"
LINK_TOKEN_ENV = "THUNDERAGENT_LINK_TOKEN"
HIDDEN = "***"


def keys_of_file(option: str, path: Path) -> tuple[str, ...]:
    """One key per line; empty lines and lines that begin with ``#`` are skipped.

    Raises:
        ConfigError: it cannot be read, holds no key, or a line is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(option, path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(option, path, "is no text") from None
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        print(f"warning: {path} can be read by other users: chmod 600 it", file=sys.stderr)
    keys = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not keys:
        raise ConfigError(option, path, "holds no key; it needs one per line")
    return _checked(option, str(path), keys)


def keys_of_environment(name: str, *, option: str | None = None) -> tuple[str, ...]:
    """Keys in a variable, several of them apart by blanks; none if it is not set and no option asks for it.

    Raises:
        ConfigError: an option asks for it and it is not set, or it is set and empty: whoever sets it wants to be protected.
    """
    text = os.environ.get(name)
    if text is None:
        if option is not None:
            raise ConfigError(option, name, "there is no such variable in the environment")
        return ()
    if not text.strip():
        raise ConfigError(option or "environment", name, "is empty; unset it to let everybody in")
    return _checked(option or "environment", name, text.split())


def key_to_send(file: Path | None, variable: str | None) -> str | None:
    """The first key of a file (``--api-key-file``) or a variable (``--api-key-env``), for a server that wants one; None: neither.

    Raises:
        ConfigError: it cannot be had, or both are given.
    """
    if file is not None and variable is not None:
        raise ConfigError("--api-key-env", variable, "does not go with --api-key-file")
    if file is not None:
        return keys_of_file("--api-key-file", file)[0]
    return None if variable is None else keys_of_environment(variable, option="--api-key-env")[0]


def key_given(option: str, key: str) -> tuple[str, ...]:
    """A key from the command line.

    Raises:
        ConfigError: it is none.
    """
    return _checked(option, HIDDEN, [key])


def _checked(option: str, shown: str, keys: Iterable[str]) -> tuple[str, ...]:
    keys = tuple(dict.fromkeys(keys))
    for key in keys:
        if not key or not all("!" <= character <= "~" for character in key):
            raise ConfigError(option, shown, "a key must be printable ASCII without blanks, or no header can carry it")
    return keys
