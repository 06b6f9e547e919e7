"""What happens to sandboxes, and what is to be done about it: facts in, effects out, the time beside them."""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.core.effects import WakeAt
from thunderagent.core.resources.sandbox import Spec


@dataclass(frozen=True, slots=True)
class Wanted:
    """A program will need a sandbox: it can be prepared ahead."""

    sandbox_id: str
    """Never used before."""
    program_id: str
    spec: Spec
    rank: tuple[float, ...] = ()
    """When it will be needed, as the scheduler's line is ordered; lower first."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The scheduler admits this program sooner or later than was thought."""

    program_id: str
    rank: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Needed:
    """The program waits for its sandbox from now on."""

    sandbox_id: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A sandbox that somebody else has made belongs to a program from now on, and goes with it."""

    sandbox_id: str
    program_id: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """A sandbox that an earlier life of this owner has made for a program is its own still."""

    sandbox_id: str
    wanted_id: str
    """Under which the program has it from now on; never used before."""
    program_id: str
    spec: Spec
    rank: tuple[float, ...] = ()
    in_use: bool = True
    """Whether the program has asked for it already."""
    foreign: bool = False
    """Whether somebody else had made it, and it was attached."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """It can be used."""

    sandbox_id: str
    disk_bytes: int | None = None
    """That it takes beyond its image; None: as expected."""
    image_bytes: int | None = None
    """Of its image, if that is known, as ``ImageSeen`` has it."""


@dataclass(frozen=True, slots=True)
class PreparationFailed:
    """What there was of it has been removed."""

    sandbox_id: str
    reason: str
    permanent: bool = False
    """Whether trying again cannot help: there is no such image."""


@dataclass(frozen=True, slots=True)
class ProgramOver:
    """All that was kept for it can go."""

    program_id: str


@dataclass(frozen=True, slots=True)
class Unwanted:
    """The program does not need what it asked for, or has it and is done with it."""

    wanted_id: str


@dataclass(frozen=True, slots=True)
class DiskSeen:
    """A sandbox takes so much disk beyond its image by now."""

    sandbox_id: str
    disk_bytes: int


@dataclass(frozen=True, slots=True)
class Released:
    """Nothing of it exists any more."""

    sandbox_id: str


@dataclass(frozen=True, slots=True)
class ReleaseFailed:
    """It may still be there."""

    sandbox_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Vanished:
    """It is not there any more, and nobody here has removed it."""

    sandbox_id: str


@dataclass(frozen=True, slots=True)
class ImageSeen:
    """An image takes disk."""

    image: str
    disk_bytes: int
    """0: it is not ours to remove, and is not counted."""


@dataclass(frozen=True, slots=True)
class ImageRemoved:
    """It takes none any more; ``removed`` False: it could not be removed."""

    image: str
    removed: bool = True


@dataclass(frozen=True, slots=True)
class ShutDown:
    """The owner is about to end: everything goes."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """What is due is to be done."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make it. Answered by ``Prepared`` or ``PreparationFailed``."""

    sandbox_id: str
    spec: Spec


@dataclass(frozen=True, slots=True)
class HandOut:
    """The program that asked for ``wanted_id`` has ``sandbox_id``, which may be another one of the same fingerprint."""

    wanted_id: str
    sandbox_id: str
    program_id: str


@dataclass(frozen=True, slots=True)
class RefuseSandbox:
    """There will be none. ``retry_after_s`` None: trying again cannot help."""

    wanted_id: str
    program_id: str
    reason: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """Remove it. Answered by ``Released`` or ``ReleaseFailed``."""

    sandbox_id: str


@dataclass(frozen=True, slots=True)
class RemoveImage:
    """Nobody uses it, and its disk is needed. Answered by ``ImageRemoved``."""

    image: str


ResourceEvent = (
    Wanted
    | Expected
    | Needed
    | Attached
    | Recovered
    | Prepared
    | PreparationFailed
    | ProgramOver
    | Unwanted
    | DiskSeen
    | Released
    | ReleaseFailed
    | Vanished
    | ImageSeen
    | ImageRemoved
    | ShutDown
    | TimerFired
)
ResourceEffect = Prepare | HandOut | RefuseSandbox | Release | RemoveImage | WakeAt
