"""Programs outlive their scheduler: what is to be remembered of each, and how it comes back."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from thunderagent.core import sane
from thunderagent.core.events import ProgramRecovered
from thunderagent.core.ledger import Backend
from thunderagent.core.lifecycle import make_room
from thunderagent.core.program import BIRTHS_PER_RANK, Program, Status, Step
from thunderagent.core.state import State

PATIENCE = 0.5
"""Share of its time to live that a recovered program has at least: its client could not come while the scheduler was down."""
LAST_BIRTH = BIRTHS_PER_RANK // 2
"""A later one was never reached: the number is wrong."""

COUNTS = (
    *("birth", "group_tokens", "prefix_tokens", "shared_tokens", "context_tokens"),
    *("exact_prompt_tokens", "prompt_characters", "prompt_images"),
)
"""Fields that hold one."""


def remember(state: State, program: Program) -> ProgramRecovered:
    """The event that brings it back, as it is now."""
    group, prefix, backend = program.group, program.prefix, program.backend
    common = prefix if group is None else group.prompt.parent
    since_s = program.acting_since_s
    return ProgramRecovered(
        program.id,
        program.birth,
        "" if group is None else group.name,
        0 if group is None else group.prompt.tokens,
        program.phase,
        program.priority,
        "" if common is None else common.name,
        0 if common is None else common.tokens,
        program.shared_tokens,
        program.context_tokens,
        program.exact_prompt_tokens,
        program.prompt_characters,
        program.prompt_images,
        program.origin_id,
        backend is not None and program.epoch in (0, backend.epoch),
        program.tool,
        None if since_s is None else state.now - since_s,
    )


def recovered(state: State, event: ProgramRecovered) -> None:
    """A program is known again: held where it was if that backend is here, else paused.

    Told again of one that waits for its backend still, it is held now if that has come. What has run meanwhile stays as it is.
    """
    program = state.programs.get(event.program_id) or _bring_back(state, event)
    backend = state.ledger.backends.get(event.backend_id or "")
    if program is None or backend is None or not event.held:
        return
    if program.recovered and program.status is Status.PAUSED and program.idle and state.policy.sticky:
        _hold(state, program, backend)


def _bring_back(state: State, event: ProgramRecovered) -> Program | None:
    if not make_room(state):
        state.counters.evicted += 1
        return None
    event = _sane(state, event)
    birth = event.birth if state.births <= event.birth < LAST_BIRTH else state.births
    state.births = birth + 1
    program = Program(event.program_id, birth, event.phase, event.priority, recovered=True)
    program.origin_id, program.tool = event.backend_id, event.tool
    program.shared_tokens = event.shared_tokens
    state.prefixes.enter_again(program, event)
    program.context_tokens = max(event.context_tokens, program.shared_tokens)
    program.exact_prompt_tokens = event.exact_prompt_tokens
    program.prompt_characters, program.prompt_images = event.prompt_characters, event.prompt_images
    program.held_turns = sum(arrival.program_id == program.id for arrival in state.held.values())
    program.take(Step.RECOVER)
    state.programs[program.id] = program
    state.ledger.note(program)
    if event.acting_s is not None:
        program.acting_since_s = _since_s(state, event.acting_s)
    if program.idle:
        state.idle.put(program, state.now if program.acting_since_s is None else program.acting_since_s)
    if state.policy.tick_s is not None:
        state.paused.put(program, program.context_tokens)
    return program


def _hold(state: State, program: Program, backend: Backend) -> None:
    state.paused.discard(program)
    state.ledger.add(program, backend, Step.RESUME)
    if program.acting_since_s is None:
        program.acting_since_s = state.now
    program.epoch, program.written_mark = backend.epoch, backend.written_tokens
    state.policy.acting_began(program, backend, state.now)
    state.grown[backend.birth] = backend


def _sane(state: State, event: ProgramRecovered) -> ProgramRecovered:
    """Counts that can be."""
    counts = [getattr(event, name) for name in COUNTS]
    if {*map(type, counts), type(event.priority)} == {int} and min(counts) >= 0:
        return event
    sane_counts: dict[str, Any] = {name: sane.tokens(count, state.counters) for name, count in zip(COUNTS, counts, strict=True)}
    return replace(event, priority=int(event.priority) if math.isfinite(event.priority) else 0, **sane_counts)


def _since_s(state: State, acting_s: float) -> float:
    """Since when it has been in its tool call; not so long ago that it would expire at once."""
    if not 0 <= acting_s < math.inf:
        state.counters.bad_values += 1
        acting_s = 0.0
    if state.limits.idle_ttl_s is not None:
        acting_s = min(acting_s, (1 - PATIENCE) * state.limits.idle_ttl_s)
    return state.now - acting_s
