"""Checks of single configuration values. Each gives what is allowed, in words, or None where the value is usable."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeGuard

from thunderagent.errors import ConfigError

Check = Callable[[object], str | None]


def check_fields(settings: Any, checks: Mapping[str, Check], prefix: str) -> None:
    """Check every field of a dataclass for which there is a check.

    Raises:
        ConfigError: names the first that is not usable, its value and what is allowed.
    """
    for field in fields(settings):
        check = checks.get(field.name)
        problem = check(getattr(settings, field.name)) if check is not None else None
        if problem is not None:
            raise ConfigError(prefix + field.name, getattr(settings, field.name), problem)


def one_of(*allowed: str) -> Check:
    """One of these names."""

    def check(value: object) -> str | None:
        return None if value in allowed else f"must be one of {', '.join(allowed)}"

    return check


def one_of_or_null(*allowed: str) -> Check:
    """One of these names, or None."""

    def check(value: object) -> str | None:
        return None if value is None or value in allowed else f"must be {' or '.join(allowed)}, or null"

    return check


def positive(value: object) -> str | None:
    """A finite number above 0."""
    return None if _is_number(value) and 0 < value < math.inf else "must be a positive number"


def positive_or_null(value: object) -> str | None:
    """A finite number above 0, or None."""
    return None if value is None or positive(value) is None else "must be a positive number, or null"


def event_port(value: object) -> str | None:
    """A port, or the engine's own and so many more, or None."""
    text = str(value) if _is_whole(value) else value
    if value is None or (
        isinstance(text, str) and (port := re.fullmatch(r"(?:http\+)?(\d{1,5})", text)) and 0 < int(port[1]) < 65_536
    ):
        return None
    return "must be a port (1 to 65535), or http+1000 for the engine's own port and so many more"


def wandb_project(value: object) -> str | None:
    """A project of W&B, its entity before it or not, or None. W&B's own rules, which it tells only over the network."""
    if value is None or (isinstance(value, str) and re.fullmatch(r"([^/\\#?%:\s]{1,128}/)?[^/\\#?%:\s]{1,128}", value)):
        return None
    return "must be PROJECT or ENTITY/PROJECT, without blanks and any of \\ # ? % :"


def positive_whole(value: object) -> str | None:
    """1, 2, 3, ..."""
    return None if _is_whole(value) and value > 0 else "must be a positive whole number"


def whole(value: object) -> str | None:
    """0, 1, 2, ..."""
    return None if _is_whole(value) and value >= 0 else "must be a whole number, at least 0"


def whole_or_null(value: object) -> str | None:
    """0, 1, 2, ..., or None."""
    return None if value is None or whole(value) is None else "must be a whole number, at least 0, or null"


def not_negative(value: object) -> str | None:
    """A finite number, at least 0."""
    return None if _is_number(value) and 0 <= value < math.inf else "must be a finite number, at least 0"


def fraction(value: object) -> str | None:
    """A number from 0 to 1."""
    return None if _is_number(value) and 0 <= value <= 1 else "must be between 0 and 1"


def port(value: object) -> str | None:
    """A TCP port, or 0."""
    return None if _is_whole(value) and 0 <= value <= 65_535 else "must be from 0 (takes a free one) to 65535"


def port_or_null(value: object) -> str | None:
    """A TCP port, 0, or None."""
    return None if value is None else port(value)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
