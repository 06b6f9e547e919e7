"""The scheduler's invariants, recomputed from scratch. For tests and debugging: O(programs)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thunderagent.core.ledger import Backend
from thunderagent.core.program import Program, Status

if TYPE_CHECKING:
    from thunderagent.core.scheduler import Scheduler


def check(scheduler: Scheduler) -> None:
    """Compare all running sums, indexes and statuses with what the programs themselves say.

    Raises:
        AssertionError: names the first that differs.
    """
    for program in scheduler.programs.values():
        _check_program(program, scheduler)
    for backend in scheduler.ledger.backends.values():
        residents = [p for p in scheduler.programs.values() if p.backend_id == backend.id]
        _check_backend(backend, residents)
    turns = sum(len(p.running) + len(p.waiting) for p in scheduler.programs.values())
    assert turns == len(scheduler._turns), "every known turn belongs to one program, running or waiting"


def _check_program(program: Program, scheduler: Scheduler) -> None:
    assert (program.backend_id is not None) == program.resident, f"{program.id}: placed if and only if resident"
    assert (program.status is Status.REASONING) == bool(program.running), f"{program.id}: reasoning iff a turn runs"
    assert (program.status is Status.PARKED) == bool(program.waiting), f"{program.id}: parked iff a turn waits"
    assert (program.id in set(scheduler._line)) == bool(program.waiting), f"{program.id}: in line iff a turn waits"
    assert not program.marked or program.status is Status.REASONING, f"{program.id}: only running programs are marked"
    assert program.context_tokens >= program.shared_tokens >= 0, f"{program.id}: shares no more than it holds"


def _check_backend(backend: Backend, residents: list[Program]) -> None:
    def private_tokens(programs: list[Program]) -> int:
        return sum(p.context_tokens - p.shared_tokens for p in programs)

    reasoning = [p for p in residents if p.status is Status.REASONING]
    acting = [p for p in residents if p.status is Status.ACTING]
    marked = [p for p in reasoning if p.marked]
    assert backend.resident == len(residents), f"{backend.id}: resident count"
    assert backend.private_reasoning_tokens == private_tokens(reasoning), f"{backend.id}: reasoning tokens"
    assert backend.private_acting_tokens == private_tokens(acting), f"{backend.id}: acting tokens"
    assert backend.marked_tokens == private_tokens(marked), f"{backend.id}: marked tokens"
    assert set(backend.acting) == {p.id for p in acting}, f"{backend.id}: index of acting programs"
    assert set(backend.unmarked) == {p.id for p in reasoning if not p.marked}, f"{backend.id}: index of unmarked programs"
    members: dict[str, int] = {}
    for program in residents:
        if program.group:
            members[program.group] = members.get(program.group, 0) + 1
            assert program.shared_tokens <= backend.groups[program.group][1], f"{backend.id}: group {program.group} prefix"
    assert members == {group: count for group, (count, _) in backend.groups.items()}, f"{backend.id}: group members"
    assert backend.shared_tokens == sum(tokens for _, tokens in backend.groups.values()), f"{backend.id}: shared tokens"
