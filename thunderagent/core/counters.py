"""What a scheduler has done since its start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Totals; they only grow."""

    turns: int = 0
    """Turns that arrived."""
    admitted: int = 0
    adopted: int = 0
    """Turns that ran already when they were told of; they are not among ``turns`` and ``admitted``."""
    parked: int = 0
    """Turns that had to wait."""
    refused: int = 0
    cancelled: int = 0
    """Turns whose caller left, waiting or running."""
    aborted: int = 0
    """Running turns that lost their backend."""
    pauses: int = 0
    """Programs that gave up their KV cache, for whatever reason."""
    lent: int = 0
    """Of these, the ones whose tool call was expected to outlast what their KV cache is worth (``thunder``)."""
    forced: int = 0
    """Programs admitted because they had waited too long."""
    released: int = 0
    expired: int = 0
    """Programs that were never released and had been idle for too long."""
    evicted: int = 0
    """Programs forgotten to stay below the limit on tracked programs, longest idle first."""
    late_events: int = 0
    """Events about turns, programs or backends that are no longer known; ignored."""
    bad_values: int = 0
    """Negative or not finite numbers in events; taken as 0 or as not known."""
    clock_corrections: int = 0
    """Times that the clock ran backwards, or jumped ahead over a timer; neither ages anything."""
    syncs_abandoned: int = 0
    """Weight syncs whose end never came; turns start again after ``Limits.max_sync_s``."""
