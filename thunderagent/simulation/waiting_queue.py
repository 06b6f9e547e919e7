"""Requests that wait for admission, the most urgent first."""

from __future__ import annotations

from bisect import bisect_left, insort

from thunderagent.simulation.request import Request


def urgency(request: Request) -> tuple[int, int]:
    """Lower goes first and is preempted last: priority, then arrival, as in vLLM.

    Where all have the same priority this is first come, first served with the one admitted last preempted first.
    """
    return request.priority, request.number


class WaitingQueue:
    """A list in order of urgency: what is preempted takes the place again that it had."""

    def __init__(self) -> None:
        self._requests: list[Request] = []

    def __len__(self) -> int:
        return len(self._requests)

    @property
    def first(self) -> Request:
        """The next to be admitted. Raises IndexError if nobody waits."""
        return self._requests[0]

    def add(self, request: Request) -> None:
        """One begins to wait, or waits again."""
        insort(self._requests, request, key=urgency)

    def remove(self, request: Request) -> None:
        """One that waits here waits no more."""
        del self._requests[bisect_left(self._requests, urgency(request), key=urgency)]
