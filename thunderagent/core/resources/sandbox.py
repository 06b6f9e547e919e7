"""A sandbox (one tool environment of one program) and the one table of its states."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from thunderagent.errors import IllegalSandboxStep


class Status(StrEnum):
    """Where a sandbox stands."""

    WANTED = "wanted"
    """Asked for; nothing of it exists."""
    PREPARING = "preparing"
    READY = "ready"
    """Prepared for its program, which has not asked for it yet."""
    IN_USE = "in use"
    IDLE = "idle"
    """Kept for whoever wants one like it."""
    FAILED = "failed"
    """Its preparation failed, and nothing of it is left."""
    RELEASING = "releasing"
    GONE = "gone"


class Step(StrEnum):
    """What can happen to a sandbox."""

    PREPARE = "prepare"
    PREPARED = "prepared"
    FAIL = "fail"
    RETRY = "retry"
    """It is wanted anew."""
    ASSIGN = "assign"
    """It is kept for a program."""
    HAND_OUT = "hand out"
    KEEP = "keep"
    RELEASE = "release"
    END = "end"
    """Nothing of it exists any more."""


TRANSITIONS: dict[tuple[Status, Step], Status] = {
    (Status.WANTED, Step.PREPARE): Status.PREPARING,
    (Status.WANTED, Step.END): Status.GONE,
    (Status.PREPARING, Step.PREPARED): Status.READY,
    (Status.PREPARING, Step.FAIL): Status.FAILED,
    (Status.READY, Step.HAND_OUT): Status.IN_USE,
    (Status.READY, Step.KEEP): Status.IDLE,
    (Status.READY, Step.RELEASE): Status.RELEASING,
    (Status.READY, Step.END): Status.GONE,
    (Status.IN_USE, Step.KEEP): Status.IDLE,
    (Status.IN_USE, Step.RELEASE): Status.RELEASING,
    (Status.IN_USE, Step.END): Status.GONE,
    (Status.IDLE, Step.ASSIGN): Status.READY,
    (Status.IDLE, Step.RELEASE): Status.RELEASING,
    (Status.IDLE, Step.END): Status.GONE,
    (Status.FAILED, Step.RETRY): Status.WANTED,
    (Status.FAILED, Step.END): Status.GONE,
    (Status.RELEASING, Step.END): Status.GONE,
}
"""What is not here cannot happen."""
EXISTING = frozenset({Status.PREPARING, Status.READY, Status.IN_USE, Status.IDLE, Status.RELEASING})
"""Whoever is in these takes memory and disk."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What kind of sandbox is wanted."""

    fingerprint: str
    """Sandboxes of the same can take each other's place."""
    image: str = ""
    """What it is made from; empty: nothing that takes disk."""
    memory_bytes: int = 0
    disk_bytes: int = 0
    """Expected beyond its image."""
    reusable: bool = False
    """Whether another program may have it after its first: it is left as it was found."""


@dataclass(slots=True, eq=False)
class Sandbox:
    """One of them. Times are those of the host's clock."""

    id: str
    birth: int
    spec: Spec
    status: Status = Status.WANTED
    want: Want | None = None
    """For whom it is; None: for nobody yet, or any more."""
    foreign: bool = False
    """Whether it was made by somebody else, and attached."""
    attempts: int = 0
    """Preparations begun."""
    disk_bytes: int = 0
    """That it takes, or is expected to."""
    releases: int = 0
    """Attempts to remove it."""

    @property
    def exists(self) -> bool:
        """Whether there is, or may be, something of it."""
        return self.status in EXISTING

    def take(self, step: Step) -> None:
        """Go on by the table.

        Raises:
            IllegalSandboxStep: it has no such step from here.
        """
        status = TRANSITIONS.get((self.status, step))
        if status is None:
            raise IllegalSandboxStep(self.id, self.status, step)
        self.status = status


@dataclass(slots=True, eq=False)
class Want:
    """A program wants a sandbox, and gets its own or one that is like it."""

    id: str
    birth: int
    program_id: str
    rank: tuple[float, ...]
    """When it will be needed, first things first."""
    sandbox: Sandbox
    wanted_s: float
    began_s: float | None = None
    """When the preparation of its sandbox began; None: it has not, or somebody had it before."""
    ready_s: float | None = None
    needed_s: float | None = None
    """Since when the program waits for it, or when it asked."""
    reused: bool = False
    """Whether it got one that was there already."""

    @property
    def urgency(self) -> tuple[float, ...]:
        """Whoever waits goes before whoever will."""
        return (float(self.needed_s is None), *self.rank)
