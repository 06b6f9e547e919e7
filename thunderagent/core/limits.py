"""What bounds the scheduler's memory and patience, whatever the policy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """None: no bound."""

    idle_ttl_s: float | None = 1_800.0
    """A program without a turn for longer is forgotten. The longest tool calls of coding agents (builds, test suites) take
    less; one that is forgotten too early comes back as a new program and loses only its place in line."""
    max_programs: int | None = 1_000_000
    """Programs tracked at once: about 1.5 GB. Beyond it the longest idle ones are forgotten, else new ones refused."""
    max_sync_s: float | None = 3_600.0
    """A weight sync whose end has not come by then is taken as ended: the trainer died. Broadcasts take seconds to minutes."""
