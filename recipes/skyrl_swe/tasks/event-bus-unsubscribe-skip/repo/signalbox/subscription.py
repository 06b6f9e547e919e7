"""The token that stands for one subscribed handler."""

from fnmatch import fnmatchcase


class Subscription:
    """Returned by ``EventBus.subscribe``; used to cancel the handler."""

    def __init__(self, registry, pattern, handler, priority, once, serial):
        self._registry = registry
        self.pattern = pattern
        self.handler = handler
        self.priority = priority
        self.once = once
        self.serial = serial
        self.active = True

    @property
    def sort_key(self):
        """Descending priority, then the order of subscribing."""
        return (-self.priority, self.serial)

    def covers(self, topic):
        """Tell whether events of the topic are wanted."""
        return fnmatchcase(topic, self.pattern)

    def cancel(self):
        """Stop the delivery to the handler; further calls do nothing."""
        if self.active:
            self.active = False
            self._registry.remove(self)

    def __repr__(self):
        state = "active" if self.active else "cancelled"
        return f"<Subscription {self.pattern} priority={self.priority} {state}>"
