"""What happens to the scheduler. Every event is a fact about the past; the time comes beside it, never in it."""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.core.usage import Usage


@dataclass(frozen=True, slots=True)
class TurnArrived:
    """A program asks for one LLM turn. ``turn_id`` is unique for ever; ``prompt_tokens`` is the whole context of the turn."""

    program_id: str
    turn_id: int
    prompt_tokens: int
    group: str = ""
    """RL prompt group: its samples share their first prompt. Empty: none."""
    phase: str = ""
    """Where the program comes from, ``train`` or ``eval``; carried to profiles only."""


@dataclass(frozen=True, slots=True)
class FirstToken:
    """The backend has produced the first token of a turn: its prefill is over."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn is over. ``usage`` is None when it failed and the engine's count is not known."""

    turn_id: int
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class TurnCancelled:
    """The caller of a turn has left, whether the turn was waiting or running."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class ProgramReleased:
    """A program is over; its KV cache has no more use."""

    program_id: str


@dataclass(frozen=True, slots=True)
class BackendJoined:
    """An engine is there. ``capacity_tokens`` is the KV cache that programs may fill; None: not known, never full."""

    backend_id: str
    capacity_tokens: int | None


@dataclass(frozen=True, slots=True)
class BackendLeft:
    """An engine died or was taken away, and its KV cache with it."""

    backend_id: str


@dataclass(frozen=True, slots=True)
class CapacityChanged:
    """The KV capacity of an engine was measured anew."""

    backend_id: str
    capacity_tokens: int | None


@dataclass(frozen=True, slots=True)
class WeightSyncBegan:
    """New weights are on their way to the engines: no turn is to start until they have arrived."""


@dataclass(frozen=True, slots=True)
class WeightSyncEnded:
    """The engines hold the new weights (or the sync failed); turns may start again."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A time asked for with a ``WakeAt`` effect has come."""


Event = (
    TurnArrived
    | FirstToken
    | TurnEnded
    | TurnCancelled
    | ProgramReleased
    | BackendJoined
    | BackendLeft
    | CapacityChanged
    | WeightSyncBegan
    | WeightSyncEnded
    | TimerFired
)
