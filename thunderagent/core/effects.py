"""What the scheduler wants done. Effects are carried out in order by the host (the runtime or a simulator)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ParkReason(StrEnum):
    """Why a turn waits."""

    NO_ROOM = "no room in the KV cache"
    WEIGHT_SYNC = "weights are being synchronised"


@dataclass(frozen=True, slots=True)
class Admit:
    """Send this turn to this backend now."""

    turn_id: int
    backend_id: str


@dataclass(frozen=True, slots=True)
class Park:
    """Hold this turn back until an ``Admit`` or ``Refuse`` for it comes."""

    turn_id: int
    reason: ParkReason


@dataclass(frozen=True, slots=True)
class Refuse:
    """This turn will not be run. ``retry_after_s`` None: trying again cannot help."""

    turn_id: int
    reason: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Abort:
    """This running turn lost its backend; end it. Its outcome is already accounted."""

    turn_id: int
    backend_id: str


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send ``TimerFired`` at this time (same clock as ``now``); an earlier request stands beside it, not replaced."""

    at_s: float


Effect = Admit | Park | Refuse | Abort | WakeAt
