"""Keeps the subscriptions in the order in which they are called."""

import bisect
import itertools

from .subscription import Subscription


class Registry:
    """A sorted list of all active subscriptions."""

    def __init__(self):
        self._subscriptions = []
        self._serials = itertools.count(1)

    def add(self, pattern, handler, priority, once):
        """Create a subscription and put it into its place."""
        subscription = Subscription(
            self, pattern, handler, priority, once, next(self._serials)
        )
        bisect.insort(self._subscriptions, subscription, key=lambda item: item.sort_key)
        return subscription

    def remove(self, subscription):
        self._subscriptions.remove(subscription)

    def last_serial(self):
        """The serial number of the youngest subscription, or 0."""
        return max((item.serial for item in self._subscriptions), default=0)

    def matching(self, topic):
        """Yield the subscriptions for a topic in the order of calling."""
        for subscription in self._subscriptions:
            if subscription.covers(topic):
                yield subscription

    def __len__(self):
        return len(self._subscriptions)
