"""What one step of an engine computes."""

from __future__ import annotations

from dataclasses import dataclass, field

from thunderagent.simulation.request import Request


@dataclass(slots=True)
class Batch:
    """Filled while the step is scheduled."""

    budget_tokens: int
    """Tokens that the step may still compute."""
    requests: list[Request] = field(default_factory=list)
    preempted: list[Request] = field(default_factory=list)
    prefill_tokens: int = 0
    kv_tokens_read: int = 0
    """Context of the decoding requests."""
