"""Who wants to know of programs: tool environments live and die with them."""

from __future__ import annotations

from typing import Protocol


class ProgramListener(Protocol):
    """Called on the runtime's loop; it must not block."""

    def program_began(self, program_id: str) -> None:
        """Its first turn has come."""
        ...

    def program_expected(self, program_id: str, rank: tuple[float, ...]) -> None:
        """It runs, or will: lower ranks first (``Scheduler.rank``)."""
        ...

    def program_over(self, program_id: str, *, withdrawn: bool = False) -> None:
        """It was released, or it is forgotten. May be told more than once.

        ``withdrawn``: it is forgotten as no turn of it ever ran, and may come again with its client's next try.
        """
        ...
