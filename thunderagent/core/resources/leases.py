"""Slots that one program at a time may have: ports, sockets, display numbers. A lease ends with its program, or with its time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from thunderagent.core.index import OrderedIndex


@dataclass(slots=True, eq=False)
class Lease:
    """One slot of one program."""

    slot: int
    birth: int
    program_id: str


class Slots:
    """A fixed set of numbers. Whoever asks gets the lowest that is free, so that the same ones are used again and again."""

    def __init__(self, slots: Iterable[int]) -> None:
        """``slots``: such as ``range(20_000, 20_100)``, ports."""
        self._free = sorted(set(slots))
        self._births = 0
        self._leases: dict[int, Lease] = {}
        self._programs: dict[str, set[int]] = {}
        self._ends: OrderedIndex[Lease] = OrderedIndex()

    @property
    def free(self) -> int:
        """How many are free, overdue ones not counted."""
        return len(self._free)

    def lease(self, program_id: str, now: float, lasts_s: float) -> int | None:
        """A slot for so long; None: all are taken."""
        self.expire(now)
        if not self._free:
            return None
        slot = heapq.heappop(self._free)
        self._lease(slot, program_id, now + lasts_s)
        return slot

    def recover(self, program_id: str, slot: int, now: float, lasts_s: float) -> bool:
        """One that the program had in an earlier life of its owner; False: there is no such slot any more, or it is taken."""
        if slot not in self._free:
            return False
        self._free.remove(slot)
        heapq.heapify(self._free)
        self._lease(slot, program_id, now + lasts_s)
        return True

    def renew(self, program_id: str, slot: int, now: float, lasts_s: float) -> bool:
        """From now on for so long; False: it is not this program's any more."""
        self.expire(now)
        lease = self._leases.get(slot)
        if lease is None or lease.program_id != program_id:
            return False
        self._ends.put(lease, now + lasts_s)
        return True

    def of_program(self, program_id: str) -> list[int]:
        """Its slots, in order."""
        return sorted(self._programs.get(program_id, ()))

    def release(self, program_id: str) -> list[int]:
        """The program is over: which slots are free again, in order."""
        slots = self.of_program(program_id)
        for slot in slots:
            self._end(self._leases[slot])
        return slots

    def expire(self, now: float) -> list[int]:
        """End what is overdue: which slots are free again, the longest overdue first."""
        ended = []
        while (lease := self._ends.first_due(now)) is not None:
            self._end(lease)
            ended.append(lease.slot)
        return ended

    @property
    def next_end_s(self) -> float | None:
        """When the next lease ends."""
        end_s: float | None = self._ends.first_key()
        return end_s

    def _lease(self, slot: int, program_id: str, end_s: float) -> None:
        self._births += 1
        lease = self._leases[slot] = Lease(slot, self._births, program_id)
        self._programs.setdefault(program_id, set()).add(slot)
        self._ends.put(lease, end_s)

    def _end(self, lease: Lease) -> None:
        del self._leases[lease.slot]
        self._ends.discard(lease)
        of_program = self._programs[lease.program_id]
        of_program.discard(lease.slot)
        if not of_program:
            del self._programs[lease.program_id]
        heapq.heappush(self._free, lease.slot)
