"""signalbox: a synchronous event bus."""

from .bus import DispatchError, EventBus
from .event import Event
from .subscription import Subscription

__all__ = ["DispatchError", "Event", "EventBus", "Subscription"]
