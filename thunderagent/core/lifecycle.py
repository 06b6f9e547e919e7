"""Programs come, are released, expire, or are forgotten to make room for others."""

from __future__ import annotations

from thunderagent.core.departures import end, refuse
from thunderagent.core.effects import PrepareTools, RefuseCause
from thunderagent.core.events import ProgramReleased, TurnArrived
from thunderagent.core.program import Program
from thunderagent.core.state import State


def new_program(state: State, event: TurnArrived, prompt_tokens: int) -> Program | None:
    """A program's first turn has come; None: too many are tracked, and none of them is idle."""
    if not make_room(state):
        return None
    program = Program(event.program_id, state.births, event.phase, event.priority)
    state.births += 1
    state.programs[program.id] = program
    state.ledger.note(program)
    state.prefixes.enter(program, event, prompt_tokens, state.estimator.prefix_tokens(event))
    state.effects.append(PrepareTools(program.id))
    return program


def released(state: State, event: ProgramReleased) -> None:
    """The program is over."""
    program = state.programs.get(event.program_id)
    held = [turn_id for turn_id, turn in state.held.items() if turn.program_id == event.program_id] if state.held else []
    for turn_id in held:
        del state.held[turn_id]
        refuse(state, turn_id, RefuseCause.RELEASED, "its program was released")
    if program is None:
        state.counters.late_events += not held
        return
    state.counters.released += 1
    group = program.group
    end(state, program)
    if group is not None:
        group.finished += 1
        for member in group.members.values():
            if member in state.line:
                state.line.reorder(member)


def expire_idle(state: State) -> None:
    """Forget every program that has been without a turn for too long."""
    while state.first_expiry_s <= state.now:
        program = state.idle.first()
        assert program is not None, "an expiry is due, so a program is idle"
        state.counters.expired += 1
        end(state, program)


def make_room(state: State) -> bool:
    """Whether one more program may be tracked, for which the longest idle one is forgotten if there are too many."""
    limit = state.limits.max_programs
    if limit is None or len(state.programs) < limit:
        return True
    program = state.idle.first()
    if program is None:
        return False
    state.counters.evicted += 1
    end(state, program)
    return True
