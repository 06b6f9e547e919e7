"""The event bus itself."""

from .event import Event
from .registry import Registry


class DispatchError(Exception):
    """One or more handlers of an event failed."""

    def __init__(self, event, errors):
        super().__init__(f"{len(errors)} handler(s) of {event.topic!r} failed: {errors[0]!r}")
        self.event = event
        self.errors = errors


class EventBus:
    """Subscribe handlers to topics and publish events to them."""

    def __init__(self):
        self._registry = Registry()

    def subscribe(self, pattern, handler, *, priority=0, once=False):
        """Register a handler for a topic or a pattern such as ``file.*``."""
        if not callable(handler):
            raise TypeError(f"handler is not callable: {handler!r}")
        return self._registry.add(pattern, handler, priority, once)

    def publish(self, topic, /, **payload):
        """Deliver an event to all matching handlers and return it."""
        event = Event(topic, payload)
        newest = self._registry.last_serial()
        errors = []
        for subscription in self._registry.matching(topic):
            if event.stopped:
                break
            if subscription.serial > newest:
                continue
            if subscription.once:
                subscription.cancel()
            try:
                subscription.handler(event)
            except Exception as error:
                errors.append(error)
        if errors:
            raise DispatchError(event, errors)
        return event

    def handler_count(self, topic):
        """How many handlers an event of the topic would reach now."""
        return sum(1 for _ in self._registry.matching(topic))
