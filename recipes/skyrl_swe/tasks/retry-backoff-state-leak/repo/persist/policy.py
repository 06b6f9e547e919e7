"""Decide whether another attempt makes sense."""


class Policy:
    """How often to try, and for which errors."""

    def __init__(self, attempts=3, on=(Exception,), give_up=None):
        if attempts < 1:
            raise ValueError("attempts must be at least 1")
        self.attempts = attempts
        self.on = tuple(on) if isinstance(on, (tuple, list)) else (on,)
        self.give_up = give_up

    def wants_retry(self, error, attempt):
        """Tell whether to go on after the given attempt (counted from 1)."""
        if attempt >= self.attempts:
            return False
        if not isinstance(error, self.on):
            return False
        return not (self.give_up and self.give_up(error))

    def __repr__(self):
        names = ", ".join(kind.__name__ for kind in self.on)
        return f"Policy(attempts={self.attempts}, on=({names}))"
