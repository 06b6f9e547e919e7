"""Clocks that can be injected into a limiter."""
import time
from typing import Protocol


class Clock(Protocol):
    """Anything that knows the time in seconds."""

    def now(self) -> float:
        """Return the time; only differences of it have a meaning."""
        ...


class MonotonicClock:
    """The monotonic clock of the system."""

    def now(self) -> float:
        return time.monotonic()


class FakeClock:
    """A clock for tests, which is moved by hand."""

    def __init__(self, start: float = 0.0):
        self.time = start

    def now(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        """Move the clock by a number of seconds, which may be negative."""
        self.time += seconds
