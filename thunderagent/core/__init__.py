"""The scheduling core: pure, no asyncio, no clock, no I/O, standard library only. Events in, effects out."""

from thunderagent.core.counters import Counters
from thunderagent.core.effects import Abort, Admit, Effect, Park, ParkReason, Refuse, WakeAt
from thunderagent.core.events import (
    BackendJoined,
    BackendLeft,
    CapacityChanged,
    Event,
    FirstToken,
    ProgramReleased,
    TimerFired,
    TurnArrived,
    TurnCancelled,
    TurnEnded,
    WeightSyncBegan,
    WeightSyncEnded,
)
from thunderagent.core.policies import Policy
from thunderagent.core.policies.default import DefaultPolicy
from thunderagent.core.policies.tr import TrPolicy
from thunderagent.core.program import Program, Status
from thunderagent.core.scheduler import Scheduler
from thunderagent.core.usage import Usage

__all__ = [
    "Abort",
    "Admit",
    "BackendJoined",
    "BackendLeft",
    "CapacityChanged",
    "Counters",
    "DefaultPolicy",
    "Effect",
    "Event",
    "FirstToken",
    "Park",
    "ParkReason",
    "Policy",
    "Program",
    "ProgramReleased",
    "Refuse",
    "Scheduler",
    "Status",
    "TimerFired",
    "TrPolicy",
    "TurnArrived",
    "TurnCancelled",
    "TurnEnded",
    "Usage",
    "WakeAt",
    "WeightSyncBegan",
    "WeightSyncEnded",
]
