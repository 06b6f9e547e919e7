"""Sequences of delays."""


class Backoff:
    """Base class: an endless sequence of delays with an upper limit."""

    def __init__(self, limit=None):
        if limit is not None and limit < 0:
            raise ValueError("limit must not be negative")
        self.limit = limit
        self._previous = None

    def first(self):
        """The delay behind the first failure."""
        raise NotImplementedError

    def after(self, previous):
        """The delay that follows another one."""
        raise NotImplementedError

    def __iter__(self):
        return self

    def __next__(self):
        if self._previous is None:
            delay = self.first()
        else:
            delay = self.after(self._previous)
        if self.limit is not None:
            delay = min(delay, self.limit)
        self._previous = delay
        return delay


class Constant(Backoff):
    """Always the same delay."""

    def __init__(self, delay):
        super().__init__()
        self.delay = delay

    def first(self):
        return self.delay

    def after(self, previous):
        return self.delay


class Linear(Backoff):
    """Each delay is longer than the one before by a fixed step."""

    def __init__(self, start, step=None, limit=None):
        super().__init__(limit)
        self.start = start
        self.step = start if step is None else step

    def first(self):
        return self.start

    def after(self, previous):
        return previous + self.step


class Exponential(Backoff):
    """Each delay is a multiple of the one before."""

    def __init__(self, start, factor=2.0, limit=None):
        super().__init__(limit)
        self.start = start
        self.factor = factor

    def first(self):
        return self.start

    def after(self, previous):
        return previous * self.factor
