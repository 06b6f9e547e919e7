"""What makes and runs sandboxes (a container engine, bubblewrap, the user's own code), as the host asks it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from thunderagent.core.resources import Spec

OWNER, PROGRAM, SANDBOX = "thunderagent.owner", "thunderagent.program", "thunderagent.sandbox"
Labels = Mapping[str, str]
"""Of everything that is made: by whom, for whom first, under which name."""


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """What kind of sandbox a program wants. Equal requests can take each other's place."""

    image: str = ""
    """What it is made from: the name of a container image, a folder for bubblewrap; empty: the backend's default."""
    setup: str = ""
    """A shell command that ends its preparation."""
    workdir: str = ""
    """Where commands run; empty: the image's own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    memory_bytes: int = 0
    """The most that it may take; 0: no limit of its own."""
    disk_bytes: int = 0
    """That it is expected to take beyond its image."""
    network: bool = False
    """Whether it may reach others."""
    reusable: bool = False
    """Whether another program may have it after its first, as it was left."""

    def spec(self) -> Spec:
        """For the core. The fingerprint is the request itself, so that nothing has to be remembered of it."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return Spec(text, self.image, self.memory_bytes, self.disk_bytes, self.reusable)

    @classmethod
    def of(cls, spec: Spec) -> SandboxRequest:
        """The request that a spec was made of."""
        values: dict[str, Any] = json.loads(spec.fingerprint)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Made:
    """A sandbox that can be used."""

    disk_bytes: int | None = None
    """That it takes beyond its image, if that is known."""
    image_bytes: int | None = None
    """Of its image; 0: it was there before, and is not ours to remove; None: there is no image that takes disk."""


@dataclass(frozen=True, slots=True)
class Found:
    """A sandbox that exists, by its labels."""

    sandbox_id: str
    labels: Labels
    disk_bytes: int | None = None
    """As far as it is cheap to tell."""


@dataclass(frozen=True, slots=True)
class Command:
    """To be run by a shell of the sandbox."""

    line: str
    workdir: str = ""
    """Empty: the sandbox's own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    """Then it is killed, with all that it has started."""


@dataclass(frozen=True, slots=True)
class Output:
    """What came of a command."""

    text: str
    """Standard output and errors as they came; bytes that are no UTF-8 are replaced."""
    exit_code: int | None
    """None: it was killed when its time was over."""
    truncated: bool = False
    """Whether the middle was left out, as it was longer than ``MAX_OUTPUT_BYTES``."""


MAX_OUTPUT_BYTES = 1 << 20
"""Of one command: no model reads more, and no program may fill the scheduler's memory."""


class SandboxBackend(Protocol):
    """Every method may be called for many sandboxes at once. Sandboxes go by the ids that the host gives them, as their names.

    All raise ``SandboxProblem`` where the backend fails; what waits can be cancelled.
    """

    @property
    def name(self) -> str:
        """``docker``, ``bubblewrap`` or ``callable``."""
        ...

    async def prepare(self, sandbox_id: str, request: SandboxRequest, labels: Labels) -> Made:
        """Make one, with these labels from its first moment on. After a failure something may be left: ``remove`` follows."""
        ...

    async def execute(self, sandbox_id: str, request: SandboxRequest, command: Command) -> Output:
        """Run a command in it. ``request``: what it was made for; an empty one for what was attached.

        Raises:
            SandboxGone: it is not there any more.
        """
        ...

    async def remove(self, sandbox_id: str) -> None:
        """Have nothing left of it. One that is not there (any more) is no problem."""
        ...

    async def attach(self, name: str) -> str:
        """The id of a sandbox that somebody else has made, and that runs.

        Raises:
            SandboxGone: there is none of this name, or it does not run.
        """
        ...

    async def found(self) -> list[Found]:
        """All with our labels, whoever owns them."""
        ...

    async def images(self) -> dict[str, int]:
        """That were fetched for sandboxes, now or in an earlier life, and are ours to remove: how many bytes each takes."""
        ...

    async def remove_image(self, image: str) -> bool:
        """Whether it is gone; False: somebody uses it."""
        ...

    async def close(self) -> None:
        """Let go of connections. Sandboxes stay."""
        ...
