"""Sizes and durations as people write them."""

from __future__ import annotations

import re

from thunderagent.errors import ConfigError

SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]i?b|b|)", re.IGNORECASE)
DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)\s*(ms|s|m|h|d))", re.IGNORECASE)
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
NONE = "none"
"""Switches a bound off, where there may be none."""


def parse_bytes(option: str, text: str) -> int:
    """Bytes of ``65536``, ``64MiB``, ``2GB``.

    Raises:
        ConfigError: it is no size.
    """
    found = SIZE.fullmatch(text.strip())
    if found is None:
        raise ConfigError(option, text, "must be a size in bytes, such as 65536, 64MiB or 2GB")
    number, unit = float(found[1]), found[2].lower()
    return int(number * (1024 if "i" in unit else 1000) ** POWERS[unit.rstrip("b").rstrip("i")])


def parse_seconds(option: str, text: str) -> float:
    """Seconds of ``90``, ``90s``, ``1.5m``, ``1h30m``, ``500ms``.

    Raises:
        ConfigError: it is no duration.
    """
    wanted = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", wanted):
        return float(wanted)
    if not re.fullmatch(rf"(?:{DURATION.pattern}\s*)+", wanted, re.IGNORECASE):
        raise ConfigError(option, text, "must be a duration, such as 90 (seconds), 90s, 5m or 1h30m")
    return sum(float(number) * SECONDS[unit.lower()] for number, unit in DURATION.findall(wanted))


def parse_seconds_or_none(option: str, text: str) -> float | None:
    """The same, or None for ``none``.

    Raises:
        ConfigError: it is neither.
    """
    if text.strip().lower() == NONE:
        return None
    try:
        return parse_seconds(option, text)
    except ConfigError as error:
        raise ConfigError(option, text, f"{error.allowed}, or {NONE}") from None


def parse_whole_or_none(option: str, text: str) -> int | None:
    """A whole number, or None for ``none``.

    Raises:
        ConfigError: it is neither.
    """
    if text.strip().lower() == NONE:
        return None
    if not text.strip().isdecimal():
        raise ConfigError(option, text, f"must be a whole number, at least 0, or {NONE}")
    return int(text)


def bytes_text(size: int) -> str:
    """``64MiB``; the number itself where no unit divides it."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size and size % 1024**power == 0:
            return f"{size // 1024**power}{unit}"
    return str(size)


def seconds_text(seconds: float | None) -> str:
    """``30m``; ``none`` for None."""
    if seconds is None:
        return NONE
    for unit in ("h", "m"):
        if seconds and seconds % SECONDS[unit] == 0:
            return f"{seconds / SECONDS[unit]:g}{unit}"
    return f"{seconds:g}s"
