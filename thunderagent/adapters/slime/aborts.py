"""When slime has enough samples it sets ``GenerateState.aborted`` and waits for every sample, held ones as well.

The attribute itself tells when it is set. Looking at it now and then would not do: between two looks a turn that slime has just
aborted makes room for one that was held, the engine is busy again when slime asks, and slime waits three seconds before it
asks the next time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ATTRIBUTE = "aborted"


class AbortFlag:
    """The attribute: kept where it was, in the state itself."""

    def __init__(self, tell: Callable[[bool], None]) -> None:
        self._tell = tell

    def __get__(self, state: Any, owner: type) -> Any:
        if state is None:
            return self
        try:
            return vars(state)[ATTRIBUTE]
        except KeyError:
            raise AttributeError(ATTRIBUTE) from None

    def __set__(self, state: Any, aborted: bool) -> None:
        was = vars(state).get(ATTRIBUTE, False)
        vars(state)[ATTRIBUTE] = aborted
        if bool(aborted) != bool(was):
            self._tell(bool(aborted))


def follow(state: Any, tell: Callable[[bool], None]) -> None:
    """Have changes of ``state.aborted`` told, at once and on the thread that makes them. A second time changes nothing."""
    kind = type(state)
    if not isinstance(vars(kind).get(ATTRIBUTE), AbortFlag):
        setattr(kind, ATTRIBUTE, AbortFlag(tell))
