"""What carries frames between a gateway and its scheduler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol


class Link(Protocol):
    """A way to the other side. Frames arrive there whole and in order, each once, until the link is lost."""

    def send(self, frame: bytes) -> None:
        """Never blocks; what is sent after the link was lost goes nowhere."""
        ...

    def close(self) -> None:
        """This side wants no more of it. Its receiver hears nothing more; the other side's is told that it is lost."""
        ...


class Receiver(Protocol):
    """Takes what the other side sends. Called on one event loop; must not block."""

    def received(self, frame: bytes) -> None:
        """One frame, as it was sent."""
        ...

    def lost(self, reason: str) -> None:
        """The other side has gone. Called once; nothing follows."""
        ...


Dial = Callable[[Receiver], Awaitable[Link]]
"""The gateway's side. Raises ``LinkError`` if nobody is there or will have us."""
Accept = Callable[[Link], Receiver]
"""The scheduler's side: somebody has dialled."""
