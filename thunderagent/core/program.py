"""A program (one whole agent run) and the one table of its states.

A program is REASONING while a turn of it is in the engine or waits for it, ACTING while it runs a tool; ACTIVE while its KV cache
is counted on a backend, PAUSED while it is given up (arXiv 2602.13692, section 4). The product of the two is its status.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from thunderagent.errors import IllegalTransition

if TYPE_CHECKING:
    from thunderagent.core.ledger import Backend
    from thunderagent.core.prefixes import Group, Prefix
    from thunderagent.core.turn import Turn


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
    ADOPT = "adopt"
    """A turn of it is found running."""
    PARK = "park"
    ALL_TURNS_ENDED = "all turns ended"
    PAUSE = "pause"
    RESUME = "resume"
    """Its KV is counted again ahead of its next turn (the published policy does so at a tick)."""
    WITHDRAW = "withdraw"
    """The last waiting turn was cancelled or refused."""
    LOSE_BACKEND = "lose backend"
    RELEASE = "release"


TRANSITIONS: dict[tuple[Status, Step], Status] = {
    (Status.NEW, Step.PARK): Status.PARKED,
    (Status.NEW, Step.ADOPT): Status.REASONING,
    (Status.NEW, Step.RELEASE): Status.TERMINATED,
    (Status.REASONING, Step.ADMIT): Status.REASONING,
    (Status.REASONING, Step.ADOPT): Status.REASONING,
    (Status.REASONING, Step.ALL_TURNS_ENDED): Status.ACTING,
    (Status.REASONING, Step.LOSE_BACKEND): Status.PAUSED,
    (Status.REASONING, Step.RELEASE): Status.TERMINATED,
    (Status.ACTING, Step.ADMIT): Status.REASONING,
    (Status.ACTING, Step.ADOPT): Status.REASONING,
    (Status.ACTING, Step.PAUSE): Status.PAUSED,
    (Status.ACTING, Step.LOSE_BACKEND): Status.PAUSED,
    (Status.ACTING, Step.RELEASE): Status.TERMINATED,
    (Status.PAUSED, Step.PARK): Status.PARKED,
    (Status.PAUSED, Step.ADOPT): Status.REASONING,
    (Status.PAUSED, Step.RESUME): Status.ACTING,
    (Status.PAUSED, Step.RELEASE): Status.TERMINATED,
    (Status.PARKED, Step.ADMIT): Status.REASONING,
    (Status.PARKED, Step.ADOPT): Status.REASONING,
    (Status.PARKED, Step.PARK): Status.PARKED,
    (Status.PARKED, Step.WITHDRAW): Status.PAUSED,
    (Status.PARKED, Step.RELEASE): Status.TERMINATED,
}
"""The only place where a program's next status is said."""


BIRTHS_PER_RANK = 2**40
"""More than any run has programs, so that a rank times this, plus the birth, orders by rank first and birth next."""


@dataclass(slots=True, eq=False)
class Program:
    """All that the scheduler knows of one agent run. Written by the scheduler and the ledger only."""

    id: str
    birth: int
    """Order of first arrival, unique for ever: an id that is used again after its release is another program."""
    phase: str = ""
    priority: int = 0
    """Lower goes first."""
    group: Group | None = None
    prefix: Prefix | None = None
    """The longest shared start of its context."""
    shared_tokens: int = 0
    """Tokens in that start, counted once per backend for all that share it."""
    status: Status = Status.NEW
    backend: Backend | None = None
    """Where its KV is counted now; None while NEW, PAUSED or PARKED."""
    origin_id: str | None = None
    """Where its KV last was: the backend to resume on if its blocks may still be there."""
    avoid_id: str | None = None
    """The backend that is tried last at its next admission, as it has failed there."""
    context_tokens: int = 0
    """Exact size after the last turn, or the prompt (and progress) of the running or waiting one."""
    marked: bool = False
    """To be paused as soon as its running turns have ended."""
    running: list[Turn] = field(default_factory=list)
    """Turns in the engine; several at once are legal."""
    waiting: list[Turn] = field(default_factory=list)
    """Parked turns in order of arrival."""
    held_turns: int = 0
    """Turns held back by a weight sync."""
    tool: str = ""
    """What it runs while ACTING or PAUSED, as far as it is known."""
    acting_since_s: float | None = None
    """When its last running turn ended; None while one runs or waits, or before the first."""
    epoch: int = 0
    """The backend's epoch when its KV was last written: if that has moved on, the KV is gone. 0: in no cache."""
    written_mark: int = 0
    """The backend's count of written tokens at that time: how much has been written since tells what may be evicted."""
    cached_tokens: int | None = None
    """How much of that KV the engine says that it still has; None: it does not tell, or a turn runs."""
    exact_prompt_tokens: int = 0
    """Prompt of the last turn whose usage is known; 0: none yet."""
    prompt_characters: int = 0
    """Text of that prompt."""
    prompt_images: int = 0
    """Images of that prompt."""

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
    def private_tokens(self) -> int:
        """Tokens of its context that it shares with nobody."""
        return self.context_tokens - self.shared_tokens

    @property
    def idle(self) -> bool:
        """Whether no turn of it runs, waits or is held."""
        return not (self.running or self.waiting or self.held_turns)
