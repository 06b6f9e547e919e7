"""The loop that calls, waits and calls again."""

import time

from .backoff import Constant
from .policy import Policy


class Retrier:
    """Calls functions according to a policy and a backoff."""

    def __init__(self, attempts=3, backoff=None, on=(Exception,), give_up=None,
                 sleep=time.sleep, before_wait=None):
        self.policy = Policy(attempts, on, give_up)
        self.backoff = Constant(0) if backoff is None else backoff
        self.sleep = sleep
        self.before_wait = before_wait
        self._delays = iter(self.backoff)

    def call(self, function, /, *args, **kwargs):
        """Call the function until it succeeds or the policy has enough."""
        attempt = 1
        while True:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if not self.policy.wants_retry(error, attempt):
                    raise
                delay = next(self._delays)
                if self.before_wait is not None:
                    self.before_wait(error, attempt, delay)
            self.sleep(delay)
            attempt += 1
