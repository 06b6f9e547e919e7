"""A program (one whole agent run) and the one table of its states.

A program is REASONING while a turn of it is in the engine or waits for it, ACTING while it runs a tool; ACTIVE while its KV cache
is counted on a backend, PAUSED while it is given up (arXiv 2602.13692, section 4). The product of the two is its status.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from thunderagent.errors import IllegalTransition


class Status(StrEnum):
    """Where a program stands."""

    NEW = "new"
    """Known, but no turn of it has been admitted or parked."""
    REASONING = "active, reasoning"
    """At least one turn is in the engine; KV counted."""
    ACTING = "active, acting"
    """Between turns; KV counted."""
    PAUSED = "paused, acting"
    """Between turns; KV given up, the engine may evict it."""
    PARKED = "paused, reasoning"
    """A turn waits for admission; KV given up."""
    TERMINATED = "terminated"


class Step(StrEnum):
    """What can happen to a program."""

    ADMIT = "admit"
    PARK = "park"
    ALL_TURNS_ENDED = "all turns ended"
    PAUSE = "pause"
    WITHDRAW = "withdraw"
    """The last waiting turn was cancelled or refused."""
    LOSE_BACKEND = "lose backend"
    RELEASE = "release"


TRANSITIONS: dict[tuple[Status, Step], Status] = {
    (Status.NEW, Step.ADMIT): Status.REASONING,
    (Status.NEW, Step.PARK): Status.PARKED,
    (Status.NEW, Step.RELEASE): Status.TERMINATED,
    (Status.REASONING, Step.ADMIT): Status.REASONING,
    (Status.REASONING, Step.ALL_TURNS_ENDED): Status.ACTING,
    (Status.REASONING, Step.LOSE_BACKEND): Status.PAUSED,
    (Status.REASONING, Step.RELEASE): Status.TERMINATED,
    (Status.ACTING, Step.ADMIT): Status.REASONING,
    (Status.ACTING, Step.PAUSE): Status.PAUSED,
    (Status.ACTING, Step.LOSE_BACKEND): Status.PAUSED,
    (Status.ACTING, Step.RELEASE): Status.TERMINATED,
    (Status.PAUSED, Step.ADMIT): Status.REASONING,
    (Status.PAUSED, Step.PARK): Status.PARKED,
    (Status.PAUSED, Step.RELEASE): Status.TERMINATED,
    (Status.PARKED, Step.ADMIT): Status.REASONING,
    (Status.PARKED, Step.PARK): Status.PARKED,
    (Status.PARKED, Step.WITHDRAW): Status.PAUSED,
    (Status.PARKED, Step.RELEASE): Status.TERMINATED,
}
"""The only place where a program's next status is said."""


@dataclass(slots=True, eq=False)
class Program:
    """All that the scheduler knows of one agent run. Written by the scheduler and the ledger only."""

    id: str
    birth: int
    """Order of first arrival; breaks ties, so that equal programs keep their order."""
    group: str = ""
    status: Status = Status.NEW
    backend_id: str | None = None
    """Where its KV is counted now; None while NEW, PAUSED or PARKED."""
    origin_id: str | None = None
    """Where its KV last was: the backend to resume on if its blocks may still be there."""
    context_tokens: int = 0
    """Exact size after the last turn, or the prompt of the running or waiting one."""
    shared_tokens: int = 0
    """Leading tokens that it shares with its group, counted once per backend for the whole group."""
    marked: bool = False
    """To be paused as soon as its running turns have ended."""
    running: set[int] = field(default_factory=set)
    """Turns in the engine; several at once are legal."""
    waiting: list[int] = field(default_factory=list)
    """Parked turns in order of arrival."""

    def take(self, step: Step) -> None:
        """Go to the next status.

        Raises:
            IllegalTransition: the table has no such step.
        """
        following = TRANSITIONS.get((self.status, step))
        if following is None:
            raise IllegalTransition(self.id, self.status, step)
        self.status = following

    @property
    def resident(self) -> bool:
        """Whether its KV is counted on a backend."""
        return self.status in (Status.REASONING, Status.ACTING)
