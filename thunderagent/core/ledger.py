"""The exact account of KV tokens per backend: running sums and ordered indexes, O(log n) per change.

A group's shared first prompt is stored once in the engine's prefix cache, so it is counted once per backend, whichever of its
samples are resident.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from thunderagent.core.index import OrderedIndex
from thunderagent.core.program import Program, Status, Step


@dataclass(slots=True, eq=False)
class Backend:
    """One engine: its capacity and what is committed on it. All sums are in tokens."""

    id: str
    capacity_tokens: int | None
    """KV capacity; None: unknown, never full."""
    resident: int = 0
    """Programs whose KV is counted here."""
    private_reasoning_tokens: int = 0
    private_acting_tokens: int = 0
    marked_tokens: int = 0
    """Of the reasoning ones, tokens that will be given up when their turns end."""
    shared_tokens: int = 0
    groups: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Group -> (resident members, shared tokens counted for it)."""
    acting: OrderedIndex = field(default_factory=OrderedIndex)
    """Residents between turns, smallest private part first."""
    unmarked: OrderedIndex = field(default_factory=OrderedIndex)
    """Residents with running turns that are not marked, smallest private part first."""
    programs: dict[str, Program] = field(default_factory=dict)

    def need_tokens(self, program: Program) -> int:
        """Tokens that admitting this program would add, given which groups are here."""
        if program.group in self.groups:
            return program.context_tokens - program.shared_tokens
        return program.context_tokens


class Ledger:
    """All backends and the programs counted on them."""

    def __init__(self) -> None:
        self.backends: dict[str, Backend] = {}

    def add(self, program: Program, backend: Backend, step: Step) -> None:
        """Make a program resident by this step and count it."""
        program.take(step)
        program.backend_id = program.origin_id = backend.id
        backend.resident += 1
        backend.programs[program.id] = program
        if program.group:
            members, tokens = backend.groups.get(program.group, (0, 0))
            shared_tokens = max(tokens, program.shared_tokens)
            backend.groups[program.group] = (members + 1, shared_tokens)
            backend.shared_tokens += shared_tokens - tokens
        self._count(program, backend, +1)

    def remove(self, program: Program, step: Step) -> None:
        """Stop counting a resident program, by this step."""
        backend = self._of(program)
        self._count(program, backend, -1)
        program.take(step)
        backend.resident -= 1
        del backend.programs[program.id]
        if program.group:
            members, tokens = backend.groups[program.group]
            if members == 1:
                del backend.groups[program.group]
                backend.shared_tokens -= tokens
            else:
                backend.groups[program.group] = (members - 1, tokens)
        program.backend_id = None
        program.marked = False

    def change(
        self,
        program: Program,
        *,
        step: Step | None = None,
        context_tokens: int | None = None,
        marked: bool | None = None,
    ) -> None:
        """Change a program that stays resident, keeping every sum and index true."""
        backend = self._of(program)
        self._count(program, backend, -1)
        if step is not None:
            program.take(step)
        if context_tokens is not None:
            program.context_tokens = context_tokens
        if marked is not None:
            program.marked = marked
        self._count(program, backend, +1)

    def _of(self, program: Program) -> Backend:
        assert program.backend_id is not None, f"{program.id} is not resident"
        return self.backends[program.backend_id]

    @staticmethod
    def _count(program: Program, backend: Backend, sign: int) -> None:
        private_tokens = program.context_tokens - program.shared_tokens
        tokens, key = sign * private_tokens, (private_tokens, program.birth)
        if program.status is Status.ACTING:
            backend.private_acting_tokens += tokens
            _update(backend.acting, program.id, key, sign)
            return
        backend.private_reasoning_tokens += tokens
        if program.marked:
            backend.marked_tokens += tokens
        else:
            _update(backend.unmarked, program.id, key, sign)


def _update(index: OrderedIndex, item_id: str, key: tuple[int, int], sign: int) -> None:
    if sign > 0:
        index.put(item_id, key)
    else:
        index.discard(item_id)
