"""All sandboxes of one owner: their state, in the orders in which they are looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from thunderagent.core.index import OrderedIndex
from thunderagent.core.resources.budgets import Budgets, Held
from thunderagent.core.resources.events import ResourceEffect
from thunderagent.core.resources.images import Images
from thunderagent.core.resources.sandbox import Sandbox, Want


@dataclass(slots=True, eq=False)
class Pool:
    """Changed by the handlers only."""

    budgets: Budgets
    now: float = 0.0
    births: int = 0
    effects: list[ResourceEffect] = field(default_factory=list)
    alarm_s: float = math.inf
    """When the host has been asked to wake us."""
    closing: bool = False
    """Whether the owner is about to end."""
    changed: set[str] | None = None
    """Programs that have something else than before; None: nobody asks."""

    sandboxes: dict[str, Sandbox] = field(default_factory=dict)
    wants: dict[str, Want] = field(default_factory=dict)
    """By id, until they are over."""
    programs: dict[str, dict[str, Want]] = field(default_factory=dict)
    """The same by program."""
    held: Held = field(default_factory=Held)
    leaving: Held = field(default_factory=Held)
    """Of what is being removed."""
    images: Images = field(default_factory=Images)
    preparing: int = 0

    queue: OrderedIndex[Want] = field(default_factory=OrderedIndex)
    """Wants whose sandbox can be prepared now, the most urgent first."""
    later: OrderedIndex[Want] = field(default_factory=OrderedIndex)
    """Those that are tried again later, by time."""
    unready: dict[str, OrderedIndex[Want]] = field(default_factory=dict)
    """Both, by fingerprint, the most urgent first."""
    ready: OrderedIndex[Want] = field(default_factory=OrderedIndex)
    """Whose sandbox is there before it is needed, the least urgent first."""
    orphans: dict[str, dict[str, Sandbox]] = field(default_factory=dict)
    """That are being prepared for nobody any more, by fingerprint."""
    idle: OrderedIndex[Sandbox] = field(default_factory=OrderedIndex)
    """By the time since when."""
    idle_by_kind: dict[str, dict[str, Sandbox]] = field(default_factory=dict)
    """The same by fingerprint."""
    release_later: OrderedIndex[Sandbox] = field(default_factory=OrderedIndex)
    """Whose removal failed, by the time of the next attempt."""

    def birth(self) -> int:
        """A number of its own for whatever is new."""
        self.births += 1
        return self.births

    def note(self, program_id: str) -> None:
        """It has something else than before."""
        if self.changed is not None:
            self.changed.add(program_id)


def put(table: dict[str, dict[str, Sandbox]], sandbox: Sandbox) -> None:
    """Into a table by fingerprint."""
    table.setdefault(sandbox.spec.fingerprint, {})[sandbox.id] = sandbox


def drop(table: dict[str, dict[str, Sandbox]], sandbox: Sandbox) -> None:
    """Out of a table by fingerprint."""
    of_kind = table[sandbox.spec.fingerprint]
    del of_kind[sandbox.id]
    if not of_kind:
        del table[sandbox.spec.fingerprint]
