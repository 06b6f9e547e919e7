"""What the scheduler wants done. Effects are carried out in order by the host (the runtime or a simulator)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ParkReason(StrEnum):
    """Why a turn waits."""

    NO_ROOM = "no room in the KV cache"
    NO_SLOT = "no free program slot"
    BEHIND = "others are ahead of it"
    TICK = "resumes are decided at the next tick"
    WEIGHT_SYNC = "weights are being synchronised"


class RefuseCause(StrEnum):
    """Why a turn is not run, for machines."""

    NO_BACKEND = "no_backend"
    TOO_LARGE = "context_too_large"
    TOO_MANY_PROGRAMS = "too_many_programs"
    RELEASED = "program_released"


@dataclass(frozen=True, slots=True)
class Admit:
    """Send this turn to this backend now."""

    turn_id: int
    backend_id: str
    priority: int = 0
    """For an engine's priority queue, lower first (vLLM's order): the caller's priority, then the program's birth."""


@dataclass(frozen=True, slots=True)
class Park:
    """Hold this turn back until an ``Admit`` or ``Refuse`` for it comes."""

    turn_id: int
    reason: ParkReason


@dataclass(frozen=True, slots=True)
class Refuse:
    """This turn will not be run. ``retry_after_s`` None: trying again cannot help."""

    turn_id: int
    cause: RefuseCause
    reason: str
    """In words."""
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Abort:
    """This running turn lost its backend; end it. Its outcome is already accounted."""

    turn_id: int
    backend_id: str


@dataclass(frozen=True, slots=True)
class Demote:
    """Hint: this program gave up its KV cache; its blocks may be evicted before all others."""

    program_id: str
    backend_id: str


@dataclass(frozen=True, slots=True)
class Free:
    """Hint: this program is over; its own blocks have no more use."""

    program_id: str
    backend_id: str


@dataclass(frozen=True, slots=True)
class PrepareTools:
    """This program is new: its sandboxes can be prepared while its first turn waits and runs."""

    program_id: str


@dataclass(frozen=True, slots=True)
class ReclaimTools:
    """This program is over (released, expired or evicted): everything that was kept for it can go."""

    program_id: str


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send ``TimerFired`` at this time (same clock as ``now``), instead of any time asked for before."""

    at_s: float


Effect = Admit | Park | Refuse | Abort | Demote | Free | PrepareTools | ReclaimTools | WakeAt
"""What the host has to carry out."""
