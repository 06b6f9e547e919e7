"""The published ``tr`` tick as a scan over all programs, for the ratio to what an event-driven scheduler spends.

Every 5 s it sums the tokens of REASONING and ACTING programs per backend, pauses the smallest ACTING and marks the smallest
REASONING ones of those that hold too much, sorts the paused by group and size, selects what fits all free space together, and
places the largest first where most is free. Each sum and sort is made once per tick here; the public code makes them again for
every single victim, so it is slower.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from thunderagent.core import Program
from thunderagent.core.program import Status

RESERVE_TOKENS = 100
TICK_S = 5.0
GROWTH = 0.03
"""Of what is held, in one tick: contexts of residents grow by 5% per turn, and a turn with its tool call takes some 9 s."""


@dataclass(slots=True)
class Seen:
    """A program as the published code keeps it."""

    tokens: int
    backend: int | None
    """None: paused."""
    acting: bool
    is_new: bool
    marked: bool = False


def population(programs: Iterable[Program]) -> list[Seen]:
    """The programs of a scheduler."""
    numbers: dict[str, int] = {}
    seen = []
    for program in programs:
        backend = None if program.backend is None else numbers.setdefault(program.backend.id, len(numbers))
        acting = program.status in (Status.ACTING, Status.PAUSED)
        seen.append(Seen(program.context_tokens, backend, acting, program.origin_id is None))
    return seen


def capacities(programs: list[Seen], backends: int) -> list[float]:
    """Of backends that one tick's growth has filled beyond their capacity, or releases have left room on, in turn."""
    used = [float(RESERVE_TOKENS)] * backends
    for program in programs:
        if program.backend is not None:
            used[program.backend] += program.tokens + RESERVE_TOKENS
    return [tokens * (1 - GROWTH if number % 2 else 1 + GROWTH) for number, tokens in enumerate(used)]


def tick(programs: list[Seen], capacity: list[float]) -> tuple[int, int]:
    """One tick; returns how many were paused or marked, and how many resumed."""
    free = list(capacity)
    for program in programs:
        if program.backend is not None:
            free[program.backend] -= program.tokens + RESERVE_TOKENS
    return _pause(programs, free), _resume(programs, free)


def _pause(programs: list[Seen], free: list[float]) -> int:
    victims = [p for p in programs if p.backend is not None and free[p.backend] < 0 and not p.marked]
    victims.sort(key=lambda p: (not p.acting, p.tokens))
    given_up = 0
    for program in victims:
        backend = program.backend
        if backend is None or free[backend] >= 0:
            continue
        free[backend] += program.tokens + RESERVE_TOKENS
        given_up += 1
        if program.acting:
            program.backend = None
        else:
            program.marked = True
    return given_up


def _resume(programs: list[Seen], free: list[float]) -> int:
    paused = [p for p in programs if p.backend is None]
    paused.sort(key=lambda p: (p.acting, p.is_new, p.tokens))
    total = sum(max(0.0, tokens) for tokens in free)
    selected = []
    for program in paused:
        if program.tokens + RESERVE_TOKENS <= total:
            total -= program.tokens + RESERVE_TOKENS
            selected.append(program)
    selected.sort(key=lambda p: -p.tokens)
    resumed = 0
    for program in selected:
        best = max(range(len(free)), key=free.__getitem__)
        if program.tokens + RESERVE_TOKENS <= free[best]:
            free[best] -= program.tokens + RESERVE_TOKENS
            program.backend = best
            resumed += 1
    return resumed
