"""What happens to the scheduler. Every event is a fact about the past; the time comes beside it, never in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from thunderagent.core.usage import Usage


@dataclass(frozen=True, slots=True)
class TurnArrived:
    """A program asks for one LLM turn. The length of its context is given in tokens, or as text to be estimated."""

    program_id: str
    turn_id: int
    """Unique for ever."""
    prompt_tokens: int | None = None
    """The whole context of the turn, exactly; None: only its text is known, tokens are estimated."""
    group: str = ""
    """RL prompt group: its samples share their first prompt. Empty: none."""
    phase: str = ""
    """Where the program comes from, ``train`` or ``eval``; carried to views and profiles."""
    prompt_characters: int = 0
    """Characters of text in the whole context, images and other media left out (``prompt_text.measure``)."""
    prompt_images: int = 0
    """Images in the whole context."""
    tool: str = ""
    """The tool whose call ended with this turn's arrival. Empty: what the last ``TurnEnded`` named."""
    prefix: str = ""
    """Names a start of the context that programs of any group share, such as a system prompt. Read with the first turn."""
    prefix_tokens: int = 0
    """Tokens in that start."""
    prefix_characters: int = 0
    """Its text, as ``prompt_characters``, where its tokens are not known."""
    priority: int = 0
    """Of the program, read with its first turn; lower goes first."""
    retry: bool = False
    """The last turn again, as it failed: no tool call came between."""


@dataclass(frozen=True, slots=True)
class TurnAdopted(TurnArrived):
    """A turn already runs on a backend: told by its gateway once the scheduler was restarted, or cut off and is back.

    Its program is there, whatever was known of it. It counts as ``adopted`` and not once more as arrived or admitted.
    """

    backend_id: str = ""
    """Where it runs."""


@dataclass(frozen=True, slots=True)
class FirstToken:
    """The backend has produced the first token of a turn: its prefill is over."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A turn is at this many generated tokens."""

    turn_id: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn is over. ``usage`` is None when it failed and the engine's count is not known."""

    turn_id: int
    usage: Usage | None = None
    tool: str = ""
    """The tool that the answer calls, if it is known: how long such calls take decides how long the KV cache is kept."""


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
    """An engine, or one data-parallel rank of it, is there: what has a KV cache of its own is a backend of its own."""

    backend_id: str
    capacity_tokens: int | None
    """KV cache that programs may fill; None: not known, never full; 0: none yet, takes no turns."""
    host_tokens: int = 0
    """Second tier of the KV cache in host memory."""


@dataclass(frozen=True, slots=True)
class BackendLeft:
    """An engine died or was taken away, and its KV cache with it."""

    backend_id: str


@dataclass(frozen=True, slots=True)
class CapacityChanged:
    """The KV capacity of an engine was measured anew."""

    backend_id: str
    capacity_tokens: int | None
    host_tokens: int = 0


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """An engine stopped or started answering its health checks; an unhealthy one keeps its turns and gets no new ones."""

    backend_id: str
    healthy: bool


@dataclass(frozen=True, slots=True)
class BackendAvoided:
    """Tries of this program fail there: its next turn goes elsewhere, if it can without being held back for that alone."""

    program_id: str
    backend_id: str


@dataclass(frozen=True, slots=True)
class CacheLost:
    """An engine restarted or flushed its KV cache; turns in it go on."""

    backend_id: str


@dataclass(frozen=True, slots=True)
class KvResident:
    """An engine tells how much of a program's KV it still has: the context of the last turn, from its start."""

    program_id: str
    backend_id: str
    tokens: int | None
    """None: it does not tell any more."""


@dataclass(frozen=True, slots=True)
class ProgramRecovered:
    """A program that the scheduler before this one knew: all that was remembered of it (``recovery.remember``).

    To be sent in order of birth. Turns of it that waited or ran then are gone: their clients send them again.
    """

    program_id: str
    birth: int = 0
    group: str = ""
    group_tokens: int = 0
    """Of the first prompt of its group."""
    phase: str = ""
    priority: int = 0
    prefix: str = ""
    """Names the start that it shares with programs of any group."""
    prefix_tokens: int = 0
    shared_tokens: int = 0
    """Of its longest shared start."""
    context_tokens: int = 0
    exact_prompt_tokens: int = 0
    prompt_characters: int = 0
    prompt_images: int = 0
    backend_id: str | None = None
    """Where its KV was last; None: no turn of it ever ran."""
    held: bool = False
    """Whether its KV was held there, and is there still: the engine is the same process."""
    tool: str = ""
    acting_s: float | None = None
    """How long its tool call has taken; None: a turn of it ran or waited."""


@dataclass(frozen=True, slots=True)
class StatisticsRecovered:
    """What the scheduler before this one had learned: plain data, as ``statistics.remember`` gives it."""

    statistics: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WeightSyncBegan:
    """New weights are on their way to the engines: no turn is to start until they have arrived."""


@dataclass(frozen=True, slots=True)
class WeightSyncEnded:
    """The engines hold the new weights (or the sync failed); turns may start again."""

    kv_lost: bool = False
    """Whether KV computed before can no longer be used: the caches were reset, or are salted with the weight version."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The time asked for with a ``WakeAt`` effect has come."""


Event = (
    TurnArrived
    | FirstToken
    | Progress
    | TurnEnded
    | TurnCancelled
    | TurnAdopted
    | ProgramReleased
    | BackendJoined
    | BackendLeft
    | CapacityChanged
    | HealthChanged
    | BackendAvoided
    | CacheLost
    | KvResident
    | ProgramRecovered
    | StatisticsRecovered
    | WeightSyncBegan
    | WeightSyncEnded
    | TimerFired
)
"""What the host has seen."""
