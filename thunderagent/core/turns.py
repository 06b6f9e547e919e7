"""What happens to turns: they arrive, wait, run, end, or are cancelled."""

from __future__ import annotations

from thunderagent.core import sane
from thunderagent.core.admission import pause, start, too_large
from thunderagent.core.departures import RETRY_AFTER_S, end, leave_backend, longest_waiting, refuse, withdraw
from thunderagent.core.effects import Park, ParkReason, RefuseCause
from thunderagent.core.events import FirstToken, Progress, TurnArrived, TurnCancelled, TurnEnded
from thunderagent.core.lifecycle import new_program
from thunderagent.core.program import Program, Status, Step
from thunderagent.core.residency import note_usage
from thunderagent.core.state import State
from thunderagent.core.turn import Turn
from thunderagent.core.usage import Usage
from thunderagent.errors import IllegalEvent


def arrived(state: State, event: TurnArrived) -> None:
    """A turn is to be run; during a weight sync it is held back whatever its program is doing."""
    if event.turn_id in state.turns or event.turn_id in state.held:
        raise IllegalEvent("TurnArrived", event.turn_id, _state_of(state, event.turn_id), "new")
    state.counters.turns += 1
    event = sane.arrival(event, state.counters)
    program = state.programs.get(event.program_id)
    if (
        program is not None
        and program.acting_since_s is not None
        and not (program.held_turns or event.retry or program.recovered)
    ):
        state.tools.observe(event.tool or program.tool, state.now - program.acting_since_s)
    if state.syncing_since_s is not None:
        hold(state, event)
    else:
        begin(state, event)


def hold(state: State, event: TurnArrived) -> None:
    """Keep a turn until the weight sync is over."""
    state.held[event.turn_id] = event
    state.counters.parked += 1
    state.effects.append(Park(event.turn_id, ParkReason.WEIGHT_SYNC))
    program = state.programs.get(event.program_id)
    if program is not None:
        program.held_turns += 1
        state.idle.discard(program)


def begin(state: State, event: TurnArrived) -> None:
    """Send a turn at once if its program is resident, else put it in line."""
    program = state.programs.get(event.program_id)
    prompt_tokens = sane.tokens(state.estimator.prompt_tokens(event, program), state.counters)
    if not state.ledger.any_usable and not (program is not None and program.running):
        refuse(state, event.turn_id, RefuseCause.NO_BACKEND, "no backend is up", RETRY_AFTER_S)
        _settle(state, program)
        return
    if (problem := too_large(state, prompt_tokens)) is not None:
        refuse(state, event.turn_id, *problem)
        _settle(state, program)
        return
    program = program or new_program(state, event, prompt_tokens)
    if program is None:
        busy = f"{state.limits.max_programs} programs are tracked and all are busy"
        refuse(state, event.turn_id, RefuseCause.TOO_MANY_PROGRAMS, busy, RETRY_AFTER_S)
        return
    turn = Turn(event.turn_id, program, prompt_tokens, event.prompt_characters, event.prompt_images, state.now)
    state.turns[turn.id] = turn
    state.idle.discard(program)
    if program.backend is not None and not program.backend.usable and not program.running:
        leave_backend(state, program, Step.LOSE_BACKEND)
    if program.backend is not None:
        _continue(state, program, turn)
    else:
        program.context_tokens = longest_waiting(program, prompt_tokens)
        program.acting_since_s = None
        state.paused.discard(program)
        program.take(Step.PARK)
        state.line.join(program, turn)
        state.arrivals.append(turn)


def _continue(state: State, program: Program, turn: Turn) -> None:
    """A resident's next turn is sent at once: its KV is there. If that is too much, others give way."""
    backend = program.backend
    assert backend is not None, f"{program.id} is not resident"
    if program.status is Status.ACTING:
        state.policy.acting_ended(program, backend, state.now)
        if program.epoch == backend.epoch:
            turn.expected_cached_tokens = program.exact_prompt_tokens
    program.acting_since_s = None
    state.ledger.change(program, step=Step.ADMIT, context_tokens=_grown(program, turn.prompt_tokens))
    start(state, turn, backend)
    state.grown[backend.birth] = backend


def first_token(state: State, event: FirstToken) -> None:
    """The prefill of a turn is over."""
    turn = _running(state, event.turn_id, "FirstToken")
    if turn is not None and turn.first_token_s is None:
        turn.first_token_s = state.now


def progress(state: State, event: Progress) -> None:
    """A running turn has grown."""
    turn = _running(state, event.turn_id, "Progress")
    if turn is not None:
        context_tokens = turn.prompt_tokens + sane.tokens(event.completion_tokens, state.counters)
        if context_tokens > turn.program.context_tokens:
            backend = state.ledger.change(turn.program, context_tokens=context_tokens)
            state.grown[backend.birth] = backend


def ended(state: State, event: TurnEnded) -> None:
    """A running turn is over; what the engine counted replaces what was assumed."""
    turn = _running(state, event.turn_id, "TurnEnded")
    if turn is None:
        return
    program, usage = turn.program, sane.usage(event.usage, state.counters)
    context_tokens = program.context_tokens
    if usage is not None:
        context_tokens = _measured(state, turn, usage)
    program.tool = event.tool
    _end_running(state, turn, context_tokens)


def _measured(state: State, turn: Turn, usage: Usage) -> int:
    program, backend = turn.program, turn.program.backend
    assert backend is not None, f"{program.id} has a running turn and is resident"
    note_usage(state.policy, backend, turn, usage, state.now, waiting=len(state.line) > 0)
    state.estimator.learn(turn, usage)
    if len(program.running) > 1:
        return _grown(program, usage.context_tokens)
    return max(usage.context_tokens, program.shared_tokens)


def cancelled(state: State, event: TurnCancelled) -> None:
    """The caller has left."""
    held = state.held.pop(event.turn_id, None)
    turn = state.turns.get(event.turn_id)
    if held is not None:
        program = state.programs.get(held.program_id)
        if program is not None:
            program.held_turns -= 1
        _settle(state, program)
    elif turn is None:
        state.counters.late_events += 1
        return
    elif turn.admitted_s is None:
        withdraw(state, turn)
    else:
        _end_running(state, turn, turn.program.context_tokens)
    state.counters.cancelled += 1


def _end_running(state: State, turn: Turn, context_tokens: int) -> None:
    program, backend = turn.program, turn.program.backend
    assert backend is not None, f"{program.id} has a running turn and is resident"
    del state.turns[turn.id]
    program.running.remove(turn)
    state.grown[backend.birth] = backend
    if program.running:
        state.ledger.change(program, context_tokens=context_tokens)
        return
    was_marked = program.marked
    state.ledger.change(program, step=Step.ALL_TURNS_ENDED, context_tokens=context_tokens, marked=False)
    program.acting_since_s = state.now
    program.epoch, program.written_mark = backend.epoch, backend.written_tokens
    if not program.held_turns:
        state.became_idle(program)
    state.policy.acting_began(program, backend, state.now)
    if not state.policy.sticky:
        leave_backend(state, program, Step.PAUSE)
    elif was_marked and not state.policy.keeps_marked(backend, state.now):
        pause(state, program)


def _grown(program: Program, context_tokens: int) -> int:
    """Parallel turns of one program share its context: the longest counts. No context is shorter than what it shares."""
    if program.running:
        return max(context_tokens, program.context_tokens)
    return max(context_tokens, program.shared_tokens)


def _settle(state: State, program: Program | None) -> None:
    """A turn went without having waited or run: its program may be idle now, or over if it never ran."""
    if program is None or not program.idle:
        return
    if program.origin_id is None:
        end(state, program)
    else:
        state.became_idle(program)


def _running(state: State, turn_id: int, event: str) -> Turn | None:
    """The turn if it runs; None, counted, if it is not known any more."""
    turn = state.turns.get(turn_id)
    if turn is not None and turn.admitted_s is not None:
        return turn
    if turn is not None or turn_id in state.held:
        raise IllegalEvent(event, turn_id, _state_of(state, turn_id), "running")
    state.counters.late_events += 1
    return None


def _state_of(state: State, turn_id: int) -> str:
    if turn_id in state.held:
        return "held by a weight sync"
    return "waiting" if state.turns[turn_id].admitted_s is None else "running"
