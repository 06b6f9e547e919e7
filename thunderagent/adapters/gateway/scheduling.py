"""What answering generating requests needs of a scheduler: one in this process, or one at the other end of a link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from thunderagent.core import PromptSize
from thunderagent.runtime import Patience, Turn

Attach = Callable[[str, tuple[str, ...]], Awaitable[object]]
"""Makes running containers a program's (``docker_ids.attach``); raises ``RequestProblem``."""


class Scheduling(Protocol):
    """``Runtime``, as far as requests go."""

    def turn(
        self,
        program_id: str,
        *,
        prompt_tokens: int | None,
        prompt: PromptSize,
        group: str,
        prefix: str,
        prefix_characters: int,
        patience: Patience,
    ) -> Turn: ...

    def knows(self, program_id: str) -> bool:
        """Whether it has had turns; where that is not certain, it has not: its shared start is told once more."""
        ...

    def release(self, program_id: str) -> object: ...

    def withdraw(self, program_id: str) -> None: ...


class Requests(Protocol):
    """``Fleet``, as far as requests go."""

    @property
    def in_flight(self) -> int: ...

    def took(self, backend_id: str, *, retry: bool = False) -> int: ...

    def ended(self, backend_id: str, ok: bool | None, epoch: int, *, answered: bool = True) -> None: ...
