"""The scheduler's invariants, recomputed from scratch. For tests and debugging: O(programs)."""

from __future__ import annotations

from thunderagent.core.ledger import Backend
from thunderagent.core.prefixes import Prefix
from thunderagent.core.program import Program, Status
from thunderagent.core.state import State


def check(state: State) -> None:
    """Compare all running sums, indexes and statuses with what the programs themselves say.

    Raises:
        AssertionError: names the first that differs.
    """
    for program in state.programs.values():
        _check_program(program, state)
    for backend in state.ledger.backends.values():
        _check_backend(backend, [p for p in state.programs.values() if p.backend is backend], marks=state.policy.marks)
    turns = {turn.id for program in state.programs.values() for turn in (*program.running, *program.waiting)}
    assert turns == set(state.turns), "every known turn belongs to one program, running or waiting"
    held = [arrival.program_id for arrival in state.held.values()]
    counted = {program.id: program.held_turns for program in state.programs.values() if program.held_turns}
    assert counted == {name: held.count(name) for name in counted}, "turns held by a weight sync"
    assert not state.held or state.syncing_since_s is not None, "turns are held during a weight sync only"
    assert {p.id for p in state.idle} == {p.id for p in state.programs.values() if p.idle}, "index of idle programs"
    assert state.line.turns == sum(len(p.waiting) for p in state.programs.values()), "turns in line"
    usable = [backend for backend in state.ledger.backends.values() if backend.usable]
    assert (state.ledger.least_loaded() is None) == (not usable), "least loaded"
    assert set(state.ledger.empty) == {b.birth for b in usable if not b.programs}, "empty backends"
    assert usable or not state.line.turns, "nobody waits for a backend that may never come"


def _check_program(program: Program, state: State) -> None:
    name = program.id
    active = program.status in (Status.REASONING, Status.ACTING)
    assert (program.backend is not None) == active, f"{name}: placed if and only if active"
    assert program.backend is None or state.ledger.backends.get(program.backend.id) is program.backend, f"{name}: its backend"
    assert (program.status is Status.REASONING) == bool(program.running), f"{name}: reasoning iff a turn runs"
    assert (program.status is Status.PARKED) == bool(program.waiting), f"{name}: parked iff a turn waits"
    assert (program in state.line) == bool(program.waiting), f"{name}: in line iff a turn waits"
    assert not program.marked or program.status is Status.REASONING, f"{name}: only running programs are marked"
    assert program.context_tokens >= program.shared_tokens >= 0, f"{name}: shares no more than it holds"
    assert program.status is not Status.ACTING or program.acting_since_s is not None, f"{name}: acts since some time"


def _check_backend(backend: Backend, residents: list[Program], *, marks: bool) -> None:
    def private_tokens(programs: list[Program]) -> int:
        return sum(p.context_tokens - p.shared_tokens for p in programs)

    name = backend.id
    reasoning = [p for p in residents if p.status is Status.REASONING]
    acting = [p for p in residents if p.status is Status.ACTING]
    marked = [p for p in reasoning if p.marked]
    assert set(backend.programs) == {p.birth for p in residents}, f"{name}: residents"
    assert backend.private_reasoning_tokens == private_tokens(reasoning), f"{name}: reasoning tokens"
    assert backend.private_acting_tokens == private_tokens(acting), f"{name}: acting tokens"
    assert backend.marked_tokens == private_tokens(marked), f"{name}: marked tokens"
    assert backend.credited_tokens == sum(p.shared_tokens for p in residents), f"{name}: credited tokens"
    assert {p.id for p in backend.acting} == {p.id for p in acting}, f"{name}: index of acting programs"
    unmarked = {p.id for p in reasoning if not p.marked} if marks else set()
    assert {p.id for p in backend.unmarked} == unmarked, f"{name}: index of unmarked programs"
    shared: dict[Prefix, int] = {}
    for program in residents:
        prefix = program.prefix
        while prefix is not None:
            shared[prefix] = prefix.own_tokens
            prefix = prefix.parent
    assert set(backend.prefixes) == set(shared), f"{name}: shared prefixes"
    assert backend.shared_tokens == sum(shared.values()), f"{name}: shared tokens"
