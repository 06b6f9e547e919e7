"""What a scheduler has done since its start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Totals; they only grow."""

    turns: int = 0
    admitted: int = 0
    parked: int = 0
    refused: int = 0
    cancelled: int = 0
    pauses: int = 0
    forced: int = 0
    released: int = 0
    late_events: int = 0
    """Events about turns or programs that are no longer known; ignored."""
