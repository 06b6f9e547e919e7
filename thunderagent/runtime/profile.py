"""What is measured of every step (one LLM turn and the tool call before it)."""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA = 1
"""Of step and sandbox profiles in files, in the column ``schema``; lines from before it was written have none and are read as 1.

It grows when a column changes its meaning or goes. A new column alone does not change it: readers take columns by their names.
"""


@dataclass(slots=True)
class StepProfile:
    """One finished step of one program. Times in seconds, ``*_at`` in Unix time. None: the engine does not tell."""

    program_id: str
    step_id: int
    """1 for the program's first turn."""
    prefill_s: float | None
    """In the engine, from the end of its queue to the first token."""
    decode_s: float | None
    """From the first token to the last; for an engine that does not tell, the whole time in the engine."""
    pause_s: float
    """Held back by the scheduler."""
    tool_call_s: float
    """From the end of the program's previous turn to the arrival of this one; 0 for the first."""
    kv_hit_rate: float | None
    """Cached prompt tokens / prompt tokens."""
    completed_at: float
    arrived_at: float
    queue_s: float | None
    """In the engine's own queue."""
    prompt_tokens: int
    cached_tokens: int | None
    completion_tokens: int
    reprefilled_tokens: int | None
    """Prompt tokens computed again although the program's previous turn had left them in the cache."""
    backend: str
    group: str
    phase: str
    outcome: str
    """``completed``, ``failed``, ``cancelled`` or ``lost`` (with its backend)."""
    tool: str = ""
    """Called by the answer, if the host told."""
