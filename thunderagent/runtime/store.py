"""What a scheduler needs of whatever remembers its programs. Implementations are in ``adapters/store``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from thunderagent.core import ProgramRecovered


class Kept(NamedTuple):
    """One program as it was at one time."""

    program: ProgramRecovered
    steps: int
    """That have ended."""
    at_s: float
    """By the store's own clock: seconds that schedulers have run with it. Wall clocks jump, and downtime ages nobody's tool."""


@dataclass(frozen=True, slots=True)
class Changes:
    """To be written together, or not at all."""

    programs: Sequence[Kept] = ()
    over: Sequence[str] = ()
    """Ids of programs that are not known any more."""
    statistics: dict[str, Any] | None = None
    """Plain data, with the time in ``time_s``; None: as before."""
    leases: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """What programs have of tools, as plain data; empty: nothing any more."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """All that a store has."""

    programs: list[Kept] = field(default_factory=list)
    """In order of birth; tool calls are as old as they were at ``time_s``."""
    statistics: dict[str, Any] = field(default_factory=dict)
    time_s: float = 0.0
    """When it was last written, by its own clock."""
    unreadable: int = 0
    """Programs of which something is written that cannot be."""
    leases: dict[str, Any] = field(default_factory=dict)
    """What programs have of tools: theirs is to be checked by whoever takes it."""


def last_time_s(statistics: dict[str, Any], times_s: Iterable[float]) -> float:
    """When a store was last written: what its statistics tell, or the latest of these times of its programs."""
    told = statistics.get("time_s")
    return max(float(told) if isinstance(told, int | float) and 0 <= told < math.inf else 0.0, max(times_s, default=0.0))


class Store(Protocol):
    """Owned by one scheduler from when it was opened. ``load`` and ``write`` block, and may be called from any one thread."""

    @property
    def owner_id(self) -> str:
        """Of sandboxes: the same in every life of this store, and of no other one, its copies among them."""
        ...

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
