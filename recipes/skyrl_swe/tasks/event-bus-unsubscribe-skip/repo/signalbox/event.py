"""The object that handlers receive."""


class Event:
    """A topic with a payload. Handlers may stop its further delivery."""

    __slots__ = ("topic", "payload", "stopped")

    def __init__(self, topic, payload):
        self.topic = topic
        self.payload = dict(payload)
        self.stopped = False

    def stop(self):
        """Leave out the handlers that have not been called yet."""
        self.stopped = True

    def __getitem__(self, key):
        return self.payload[key]

    def __repr__(self):
        details = ", ".join(f"{key}={value!r}" for key, value in self.payload.items())
        return f"<Event {self.topic} {details}>" if details else f"<Event {self.topic}>"
