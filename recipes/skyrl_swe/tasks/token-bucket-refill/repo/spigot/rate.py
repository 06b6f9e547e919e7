"""Rates such as `100/minute`."""
from __future__ import annotations

import re
from dataclasses import dataclass

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_TEXT = re.compile(r"\s*(?P<count>\d+)\s*/\s*(?P<times>\d+)?\s*(?P<unit>[a-z]+?)s?\s*")


@dataclass(frozen=True)
class Rate:
    """A number of tokens in a period of seconds."""

    count: int
    period: float

    def __post_init__(self):
        if self.count < 1 or self.period <= 0:
            raise ValueError("a rate needs at least one token and a positive period")

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read a rate such as `5/second`, `100/minute` or `10/15 minutes`."""
        match = _TEXT.fullmatch(text.lower())
        if match is None or match["unit"] not in _UNITS:
            raise ValueError(f"cannot read the rate {text!r}")
        period = int(match["times"] or 1) * _UNITS[match["unit"]]
        return cls(int(match["count"]), period)

    @property
    def per_second(self) -> float:
        """The number of tokens that arrive in a second."""
        return self.count / self.period

    @property
    def interval(self) -> float:
        """The seconds between two tokens."""
        return self.period / self.count
