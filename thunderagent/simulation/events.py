"""What a simulated engine reports: the events of a step, a record per finished request, running totals."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """How one finished request went; durations in simulated seconds."""

    request_id: str
    queued_s: float
    """From submission to (first) admission."""
    prefill_s: float
    """From admission to the first token."""
    decode_s: float
    """From the first token to the last, recomputation after preemptions included."""
    prompt_tokens: int
    cached_tokens: int
    """Prompt tokens that the prefix cache had at (first) admission, on the device or in the host tier."""
    completion_tokens: int
    preemptions: int
    host_cached_tokens: int = 0
    """Of the cached ones, those that came from the host tier."""


@dataclass(frozen=True, slots=True)
class FirstToken:
    """A request produced its first token."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A request produced its last token and left the engine."""

    record: RequestRecord

    @property
    def request_id(self) -> str:
        """The request that finished."""
        return self.record.request_id


@dataclass(frozen=True, slots=True)
class Preempted:
    """A running request lost its KV and waits, first in the queue, to be computed again."""

    request_id: str


Event = FirstToken | Finished | Preempted


@dataclass(frozen=True, slots=True)
class StepResult:
    """One engine iteration. Preemptions happened at its start, tokens come at its end."""

    events: tuple[Event, ...]
    duration_s: float
    """Simulated seconds; 0 if there was nothing to do."""


@dataclass(slots=True)
class EngineCounters:
    """Totals since the engine started; all but `preemptions` in tokens."""

    prefix_cache_queries_tokens: int = 0
    """Prompt tokens looked up, once per request (its return after a preemption is not counted)."""
    prefix_cache_hits_tokens: int = 0
    """Of these, found on the device or in the host tier."""
    host_hits_tokens: int = 0
    """Of these, found in the host tier."""
    prompt_tokens: int = 0
    """Prompt tokens of the requests that produced a first token."""
    generation_tokens: int = 0
    reprefilled_tokens: int = 0
    """Tokens scheduled for prefill though their prefix, under the same salt, was cached before and has been evicted."""
    preemptions: int = 0
