"""Sources of time.

The cache never calls the time module by itself. It asks a clock object, so that
tests can move time forward without waiting.
"""
import time


class SystemClock:
    """The monotonic clock of the machine."""

    def now(self):
        """Return the current time in seconds."""
        return time.monotonic()


class ManualClock:
    """A clock that only moves when it is told to."""

    def __init__(self, start=0.0):
        self._now = float(start)

    def now(self):
        """Return the current time in seconds."""
        return self._now

    def advance(self, seconds):
        """Move the clock forward by a number of seconds."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._now += seconds
        return self._now
