"""The scheduling core: pure, no asyncio, no clock, no I/O, standard library only. Events in, effects out."""

from thunderagent.core.counters import Counters
from thunderagent.core.effects import (
    Abort,
    Admit,
    Demote,
    Effect,
    Free,
    Park,
    ParkReason,
    PrepareTools,
    ReclaimTools,
    Refuse,
    RefuseCause,
    WakeAt,
)
from thunderagent.core.events import (
    BackendAvoided,
    BackendJoined,
    BackendLeft,
    CacheLost,
    CapacityChanged,
    Event,
    FirstToken,
    HealthChanged,
    KvResident,
    ProgramReleased,
    Progress,
    TimerFired,
    TurnAdopted,
    TurnArrived,
    TurnCancelled,
    TurnEnded,
    WeightSyncBegan,
    WeightSyncEnded,
)
from thunderagent.core.explain import Explanation
from thunderagent.core.limits import Limits
from thunderagent.core.policies import Policy
from thunderagent.core.policies.cap import CapPolicy
from thunderagent.core.policies.default import DefaultPolicy
from thunderagent.core.policies.thunder import ThunderPolicy
from thunderagent.core.policies.tr import TrPolicy
from thunderagent.core.program import Program, Status
from thunderagent.core.prompt_text import PromptSize, measure
from thunderagent.core.scheduler import Scheduler
from thunderagent.core.usage import Usage

__all__ = [
    "Abort",
    "Admit",
    "BackendAvoided",
    "BackendJoined",
    "BackendLeft",
    "CacheLost",
    "CapPolicy",
    "CapacityChanged",
    "Counters",
    "DefaultPolicy",
    "Demote",
    "Effect",
    "Event",
    "Explanation",
    "FirstToken",
    "Free",
    "HealthChanged",
    "KvResident",
    "Limits",
    "Park",
    "ParkReason",
    "Policy",
    "PrepareTools",
    "Program",
    "ProgramReleased",
    "Progress",
    "PromptSize",
    "ReclaimTools",
    "Refuse",
    "RefuseCause",
    "Scheduler",
    "Status",
    "ThunderPolicy",
    "TimerFired",
    "TrPolicy",
    "TurnAdopted",
    "TurnArrived",
    "TurnCancelled",
    "TurnEnded",
    "Usage",
    "WakeAt",
    "WeightSyncBegan",
    "WeightSyncEnded",
    "measure",
]
