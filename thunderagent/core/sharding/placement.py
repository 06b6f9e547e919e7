"""Which program lives on which shard: consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam, 2016).

A program goes to the first shard on the ring, from its key on, that has fewer than ``bound`` times its fair share, by weight, of
all programs, or hardly any. Its key is its RL prompt group, so that what shares a first prompt shares its KV, else its own id. A
start that all programs share, such as a system prompt, is no key: it would gather them all in one place, to save one copy per
engine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from thunderagent.core.sharding.ring import Ring
from thunderagent.errors import ContractError

BOUND = 1.25
"""In fair shares. Tighter balances better, but more keys pass by the shard that they belong to; few do (benchmarks.scale)."""
GROUP_BOUND = 1.5
"""For members of a group that has a shard: above ``BOUND``, so that a group which has just found room there is not torn apart."""
LIGHT_PROGRAMS = 8
"""Per usual engine. A shard with fewer has room whatever is elsewhere: so few are no load, and RL groups are about as large."""
POINTS_PER_WEIGHT = 8
"""Points of one usual engine: shards of 8 have 64, and keys come to each within about an eighth (1 / sqrt(64)) of its share."""
MAX_WEIGHT = 10_000.0
"""Usual engines of one shard. More would be another unit, taken for this one, and a ring that takes minutes to make."""
NOWHERE = ""
"""The shard of a program while no shard takes any."""


@dataclass(slots=True, eq=False)
class Home:
    """Where a program lives."""

    program_id: str
    group: str
    shard: str = NOWHERE
    ring_version: int = 0
    """Of the ring that it was placed by."""
    turns: int = 0
    """That wait or run, as whoever routes them counts."""

    @property
    def key(self) -> str:
        """What is hashed."""
        return self.group or self.program_id


@dataclass(slots=True, eq=False)
class _Shard:
    weight: float = 0.0
    programs: int = 0


@dataclass(slots=True, eq=False)
class _Group:
    """The living members of an RL prompt group."""

    shard: str
    """Where the last one was placed."""
    members: int = 0


class Placement:
    """All programs of one router. Each is placed in O(log shards), whatever their number; a shard changes in O(shards).

    Several routers that know nothing of each other agree on every key unless its shard is full; each keeps the bound for its own
    programs, so that all together keep it, but for ``LIGHT_PROGRAMS`` and rounding up, once per router.
    """

    def __init__(self, bound: float = BOUND, group_bound: float = GROUP_BOUND) -> None:
        """Bounds are in fair shares.

        Raises:
            ContractError: they are not 1 < bound <= group_bound < infinity.
        """
        if not 1.0 < bound <= group_bound < math.inf:
            raise ContractError(f"bound is {bound}, group_bound {group_bound}; needed: 1 < bound <= group_bound < infinity")
        self.homes: dict[str, Home] = {}
        """By program; to be read only."""
        self._bound, self._group_bound = bound, group_bound
        self._ring = Ring()
        self._shards: dict[str, _Shard] = {}
        self._groups: dict[str, _Group] = {}
        self._weight = 0.0
        self._programs = 0
        """On all shards that take new ones."""

    def weigh(self, shard: str, weight: float) -> None:
        """How much a shard can take, in usual engines; 0: nothing new. Who lives there stays until ``reconsider`` is asked.

        Raises:
            ContractError: the weight is negative, or more than ``MAX_WEIGHT``.
        """
        if not 0.0 <= weight <= MAX_WEIGHT:
            raise ContractError(f"weight of shard {shard!r} is {weight}; it must be from 0 to {MAX_WEIGHT:g}, in usual engines")
        self._shards.setdefault(shard, _Shard()).weight = weight
        self._ring.set_points(shard, math.ceil(POINTS_PER_WEIGHT * weight))
        open_shards = [each for each in self._shards.values() if each.weight]
        self._weight = sum(each.weight for each in open_shards)
        self._programs = sum(each.programs for each in open_shards)

    def programs(self, shard: str) -> int:
        """Programs that live on a shard."""
        known = self._shards.get(shard)
        return 0 if known is None else known.programs

    def place(self, program_id: str, group: str = "") -> Home:
        """A home for a program; one that has a home keeps it."""
        home = self.homes.get(program_id)
        if home is None:
            home = self.homes[program_id] = Home(program_id, group)
            self._enter(home, self._choose(home))
        return home

    def reconsider(self, home: Home) -> bool:
        """Move a program that has no KV to lose, if shards have changed since and it belongs elsewhere now; False: it stays."""
        if home.ring_version == self._ring.version:
            return False
        before = home.shard
        self._leave(home)
        if before in self._ring:
            belongs, group = next(self._ring.walk(home.key)), self._groups.get(home.group)
            follows = group is not None and group.shard == belongs
            target = belongs if self._has_room(belongs, self._group_bound if follows else self._bound) else before
        else:
            target = self._choose(home) or before
        self._enter(home, target)
        return target != before

    def leave(self, home: Home) -> None:
        """The program is over."""
        del self.homes[home.program_id]
        self._leave(home)

    def _choose(self, home: Home) -> str:
        group = self._groups.get(home.group)
        if group is not None and self._has_room(group.shard, self._group_bound):
            return group.shard
        return next((shard for shard in self._ring.walk(home.key) if self._has_room(shard, self._bound)), NOWHERE)

    def _has_room(self, name: str, bound: float) -> bool:
        shard = self._shards[name]
        if not shard.weight:
            return False
        per_weight = max(LIGHT_PROGRAMS, bound * (self._programs + 1) / self._weight)
        return shard.programs < math.ceil(per_weight * shard.weight)

    def _enter(self, home: Home, name: str) -> None:
        self._count(name, 1)
        if home.group:
            group = self._groups.setdefault(home.group, _Group(name))
            group.members += 1
            if name != home.shard:
                group.shard = name
        home.shard, home.ring_version = name, self._ring.version

    def _leave(self, home: Home) -> None:
        self._count(home.shard, -1)
        if home.group:
            group = self._groups[home.group]
            group.members -= 1
            if not group.members:
                del self._groups[home.group]

    def _count(self, name: str, programs: int) -> None:
        shard = self._shards.setdefault(name, _Shard())
        shard.programs += programs
        if shard.weight:
            self._programs += programs
