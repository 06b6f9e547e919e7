"""Turns finished turns into step profiles; remembers of each program only what the next step needs."""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.runtime.profile import StepProfile
from thunderagent.runtime.turn import Turn


@dataclass(slots=True)
class _Past:
    steps: int = 0
    last_end_s: float | None = None
    context_tokens: int = 0


class StepRecorder:
    """One per runtime."""

    def __init__(self) -> None:
        self._pasts: dict[str, _Past] = {}

    def forget(self, program_id: str) -> None:
        """The program is over."""
        self._pasts.pop(program_id, None)

    def steps(self, program_id: str) -> int:
        """Steps of a program that have ended."""
        past = self._pasts.get(program_id)
        return 0 if past is None else past.steps

    def recall(self, program_id: str, steps: int, context_tokens: int) -> None:
        """A program is known from before; when its last step ended is not."""
        self._pasts[program_id] = _Past(max(0, steps), None, context_tokens)

    def record(self, turn: Turn, outcome: str, now: float, wall_now: float) -> StepProfile:
        """The profile of a turn that was admitted and ended at ``now`` (the runtime's clock, in seconds)."""
        past = self._pasts.get(turn.program_id)
        if past is None:
            past = self._pasts[turn.program_id] = _Past()
        admitted_s = turn.admitted_s if turn.admitted_s is not None else now
        tool_call_s = 0.0 if past.last_end_s is None else max(0.0, turn.arrived_s - past.last_end_s)
        past.steps += 1
        past.last_end_s = now
        prefill_s, decode_s, queue_s = _engine_times(turn, admitted_s, now)
        usage = turn.usage
        cached_tokens = usage.cached_tokens if usage else None
        hit_rate = reprefilled_tokens = None
        if usage is not None:
            if cached_tokens is not None:
                hit_rate = cached_tokens / usage.prompt_tokens if usage.prompt_tokens else 0.0
                reprefilled_tokens = max(0, min(past.context_tokens, usage.prompt_tokens) - cached_tokens)
            past.context_tokens = usage.context_tokens
        return StepProfile(
            program_id=turn.program_id,
            step_id=past.steps,
            prefill_s=prefill_s,
            decode_s=decode_s,
            pause_s=turn.waited_s,
            tool_call_s=tool_call_s,
            kv_hit_rate=hit_rate,
            completed_at=wall_now,
            arrived_at=wall_now - (now - turn.arrived_s),
            queue_s=queue_s,
            prompt_tokens=usage.prompt_tokens if usage else turn.arrival.prompt_tokens or 0,
            cached_tokens=cached_tokens,
            completion_tokens=usage.completion_tokens if usage else 0,
            reprefilled_tokens=reprefilled_tokens,
            backend=turn.backend,
            group=turn.arrival.group,
            phase=turn.arrival.phase,
            outcome=outcome,
            tool=turn.tool,
        )


def _engine_times(turn: Turn, admitted_s: float, now: float) -> tuple[float | None, float | None, float | None]:
    """Prefill, decode and engine queue: as the engine says, else from the first token, else all of it is decode."""
    if turn.timing is not None:
        return turn.timing.prefill_s, turn.timing.decode_s, turn.timing.queue_s
    if turn.first_token_s is not None:
        return turn.first_token_s - admitted_s, now - turn.first_token_s, None
    return None, now - admitted_s, None
