"""What a scheduler needs of whatever remembers its programs. Implementations are in ``adapters/store``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from thunderagent.core import ProgramRecovered


class Kept(NamedTuple):
    """One program as it was at one time."""

    program: ProgramRecovered
    steps: int
    """That have ended."""
    at_s: float
    """By the store's own clock: seconds that schedulers have run with it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """To be written together, or not at all."""

    programs: Sequence[Kept] = ()
    over: Sequence[str] = ()
    """Ids of programs that are not known any more."""
    statistics: dict[str, Any] | None = None
    """Plain data; None: as before."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """All that a store has."""

    programs: list[Kept] = field(default_factory=list)
    """In order of birth."""
    statistics: dict[str, Any] = field(default_factory=dict)
    unreadable: int = 0
    """Programs of which something is written that cannot be."""


class Store(Protocol):
    """Owned by one scheduler from when it was opened. ``load`` and ``write`` block, and may be called from any one thread."""

    def load(self) -> Remembered:
        """
        Raises:
            StoreError: it cannot be read.
        """
        ...

    def write(self, changes: Changes) -> None:
        """They are durable once it returns: they outlive the process.

        Raises:
            StoreError: nothing of them was written; trying again may help.
        """
        ...

    def close(self) -> None:
        """Somebody else may have it. May be called again."""
        ...
