"""What the host of sandboxes remembers of programs, beyond the core: all of it goes with the program."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Known:
    """One program that has, wants or wanted something."""

    last_call_s: float
    unasked: bool = False
    """Whether it has only what was prepared for it unasked."""
    announced: dict[str, list[str]] = field(default_factory=dict)
    """By fingerprint: wants that nobody has asked for yet."""
    attached: dict[str, str] = field(default_factory=dict)
    """Ids by the names that were given."""
    calls: int = 0
    """That are under way."""


class KnownPrograms:
    """Each operation costs O(1)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._programs: OrderedDict[str, Known] = OrderedDict()
        """Whose last call was the longest ago first."""

    def __contains__(self, program_id: str) -> bool:
        return program_id in self._programs

    def ids(self) -> list[str]:
        """All of them."""
        return list(self._programs)

    def get(self, program_id: str) -> Known | None:
        """None: there is nothing of it."""
        return self._programs.get(program_id)

    def call(self, program_id: str) -> Known:
        """It has been heard of."""
        known = self.touch(program_id)
        known.unasked = False
        return known

    def touch(self, program_id: str) -> Known:
        """It is not to expire soon."""
        known = self._programs.get(program_id)
        if known is None:
            known = self._programs[program_id] = Known(self._clock())
        known.last_call_s = self._clock()
        self._programs.move_to_end(program_id)
        return known

    def forget(self, program_id: str) -> bool:
        """Whether there was anything."""
        return self._programs.pop(program_id, None) is not None

    def first_silent(self, ttl_s: float) -> str | None:
        """The one that has not been heard of for longest, if that is so long."""
        program_id = next(iter(self._programs), None)
        if program_id is None or self._programs[program_id].last_call_s + ttl_s > self._clock():
            return None
        return program_id
