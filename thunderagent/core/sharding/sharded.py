"""Many schedulers behind the contract of one: each event goes to the shard that it concerns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from thunderagent.core import events
from thunderagent.core.counters import Counters
from thunderagent.core.effects import Abort, Effect, PrepareTools, ReclaimTools, Refuse, WakeAt
from thunderagent.core.events import Event
from thunderagent.core.index import OrderedIndex
from thunderagent.core.ledger import Backend
from thunderagent.core.program import Status
from thunderagent.core.scheduler import Scheduler
from thunderagent.core.sharding.placement import MAX_WEIGHT, NOWHERE, Home, Placement
from thunderagent.errors import ContractError


@dataclass(slots=True, eq=False)
class Shard:
    """A group of engines and their scheduler."""

    name: str
    birth: int
    scheduler: Scheduler


class ShardedScheduler:
    """``Scheduler.handle`` over shards of engines.

    A program lives on one shard. It moves with its next turn when its shard has no engine any more that takes turns, or, between
    turns, when shards came or went, the ring says so, and its KV has been given up. For what it knows, it is then a new program.
    """

    def __init__(
        self,
        make_scheduler: Callable[[str], Scheduler],
        shard_of: Callable[[str], str],
        *,
        usual_tokens: int | None = None,
        placement: Placement | None = None,
    ) -> None:
        """No shard is there yet: they come with their first engines.

        Args:
            make_scheduler: that of a shard, by its name; limits are of each shard, not of all.
            shard_of: the name of a backend's shard; the same name whenever it is asked.
            usual_tokens: KV capacity of an engine that weighs 1 in placement; None: all engines weigh the same.
            placement: with bounds other than usual.

        Raises:
            ContractError: ``usual_tokens`` is not positive.
        """
        if usual_tokens is not None and usual_tokens <= 0:
            raise ContractError(f"usual_tokens is {usual_tokens}; it must be positive, or None: all engines weigh the same")
        self.placement = placement or Placement()
        self.shards: dict[str, Shard] = {}
        """By name; to be read only."""
        self.moved = 0
        """Programs that went on on another shard."""
        self._make_scheduler, self._shard_of, self._usual_tokens = make_scheduler, shard_of, usual_tokens
        self._turns: dict[int, Home] = {}
        """Of the turns that wait or run."""
        self._alarms: OrderedIndex[Shard] = OrderedIndex()
        """When each shard wants to be woken."""
        self._asked_s = math.inf
        """When the host wakes us."""
        self._effects: list[Effect] = []
        self._perhaps_over: list[Home] = []
        self._births = 0
        self._nowhere = self._open(NOWHERE)
        """Has no engines. It counts what is late, as that belongs to no shard, and refuses turns while there is no engine."""

    def handle(self, event: Event, now: float) -> tuple[Effect, ...]:
        """As ``Scheduler.handle``.

        Raises:
            ContractError: as there; nothing was changed.
        """
        handler = _HANDLERS.get(type(event))
        if handler is None:
            raise ContractError(f"{event!r} is no event of thunderagent.core")
        handler(self, event, now)
        for home in self._perhaps_over:
            self._forget_if_over(home)
        self._perhaps_over.clear()
        first_s = self._alarms.first_key(math.inf)
        if first_s < self._asked_s:
            self._asked_s = first_s
            self._effects.append(WakeAt(first_s))
        effects, self._effects = self._effects, []
        return tuple(effects)

    @property
    def counters(self) -> Counters:
        """Totals of all shards; a program that moved was not released."""
        total = Counters(released=-self.moved)
        for shard in self.shards.values():
            for field in fields(Counters):
                setattr(total, field.name, getattr(total, field.name) + getattr(shard.scheduler.counters, field.name))
        return total

    @property
    def syncing(self) -> bool:
        """Whether a weight sync is under way."""
        return self._nowhere.scheduler.syncing

    @property
    def waiting_turns(self) -> int:
        """Turns that are held back now."""
        return sum(shard.scheduler.waiting_turns for shard in self.shards.values())

    def scheduler_of(self, program_id: str) -> Scheduler | None:
        """That of the shard on which a program lives; None: no such program is known."""
        home = self.placement.homes.get(program_id)
        return None if home is None else self.shards[home.shard].scheduler

    def check_invariants(self) -> None:
        """Of all shards, and of what is known here of their programs and turns; for tests."""
        living: dict[str, str] = {}
        turns = 0
        for shard in self.shards.values():
            scheduler = shard.scheduler
            scheduler.check_invariants()
            assert living.keys().isdisjoint(scheduler.programs), f"{shard.name}: its programs live nowhere else"
            living |= dict.fromkeys(scheduler.programs, shard.name)
            turns += scheduler.waiting_turns + sum(len(program.running) for program in scheduler.programs.values())
        homes = self.placement.homes
        held = {home.program_id: home.shard for home in homes.values() if home.turns}  # a weight sync may hold all that there is
        assert {name: home.shard for name, home in homes.items()} == held | living, "every program has its home, and only those"
        assert turns == len(self._turns) == sum(home.turns for home in homes.values()), "every turn is known"
        for name in self.shards:
            assert self.placement.programs(name) == sum(home.shard == name for home in homes.values()), f"{name}: its programs"

    # Handlers

    def _turn_arrived(self, event: events.TurnArrived, now: float) -> None:
        known = self._turns.get(event.turn_id)
        if known is not None:
            self._tell(self._shard(known), event, now)  # an error, as the shard will say
        home = self.placement.homes.get(event.program_id)
        moves = False
        if home is None:
            home = self.placement.place(event.program_id, event.group)
        else:
            old = self._shard(home)
            moves = self._may_move(home, old) and self.placement.reconsider(home)
            if moves:
                self.moved += 1
                self._tell(old, events.ProgramReleased(home.program_id), now, hidden=ReclaimTools)
        self._turns[event.turn_id] = home
        home.turns += 1
        self._tell(self._shard(home), event, now, hidden=PrepareTools if moves else None)
        if moves and not home.turns:  # refused: nothing is left of it
            self._effects.append(ReclaimTools(home.program_id))

    def _may_move(self, home: Home, shard: Shard) -> bool:
        if home.turns or self.syncing:
            return False
        return shard.scheduler.programs[home.program_id].status is Status.PAUSED or not shard.scheduler.ledger.any_usable

    def _of_turn(self, event: events.FirstToken | events.Progress, now: float) -> None:
        self._tell(self._shard(self._turns.get(event.turn_id)), event, now)

    def _turn_over(self, event: events.TurnEnded | events.TurnCancelled, now: float) -> None:
        self._tell(self._shard(self._turns.get(event.turn_id)), event, now)
        self._forget_turn(event.turn_id)

    def _program_released(self, event: events.ProgramReleased, now: float) -> None:
        shard = self._shard(self.placement.homes.get(event.program_id))
        program = shard.scheduler.programs.get(event.program_id)
        running = [] if program is None else [turn.id for turn in program.running]
        self._tell(shard, event, now)
        for turn_id in running:
            self._forget_turn(turn_id)

    def _of_program(self, event: events.BackendAvoided | events.KvResident, now: float) -> None:
        self._tell(self._shard(self.placement.homes.get(event.program_id)), event, now)

    def _backend_joined(self, event: events.BackendJoined, now: float) -> None:
        name = self._shard_of(event.backend_id)
        if name not in self.shards:
            shard = self._open(name)
            if self.syncing:
                self._tell(shard, events.WeightSyncBegan(), now)
        self._of_backend(event, now)

    def _of_backend(
        self,
        event: events.BackendJoined | events.BackendLeft | events.CapacityChanged | events.HealthChanged | events.CacheLost,
        now: float,
    ) -> None:
        shard = self.shards.get(self._shard_of(event.backend_id), self._nowhere)
        self._tell(shard, event, now)
        usable = [backend for backend in shard.scheduler.ledger.backends.values() if backend.usable]
        self.placement.weigh(shard.name, min(MAX_WEIGHT, sum(map(self._weight, usable))))

    def _of_all(self, event: events.WeightSyncBegan | events.WeightSyncEnded, now: float) -> None:
        for shard in self.shards.values():
            self._tell(shard, event, now)

    def _timer_fired(self, event: events.TimerFired, now: float) -> None:
        self._asked_s = math.inf
        due = []
        while (shard := self._alarms.first_due(now)) is not None:
            self._alarms.discard(shard)
            due.append(shard)
        for shard in due:
            self._tell(shard, event, now)

    # What they are made of

    def _open(self, name: str) -> Shard:
        shard = self.shards[name] = Shard(name, self._births, self._make_scheduler(name))
        self._births += 1
        return shard

    def _shard(self, home: Home | None) -> Shard:
        return self._nowhere if home is None else self.shards[home.shard]

    def _weight(self, backend: Backend) -> float:
        if self._usual_tokens is None or backend.capacity_tokens is None:
            return 1.0
        return backend.capacity_tokens / self._usual_tokens

    def _tell(self, shard: Shard, event: Event, now: float, *, hidden: type[Any] | None = None) -> None:
        """``hidden``: effects that the host is not to see, as a program that moves neither begins nor ends."""
        for effect in shard.scheduler.handle(event, now):
            kind = type(effect)
            if isinstance(effect, WakeAt):
                self._alarms.put(shard, effect.at_s)
                continue
            if isinstance(effect, Refuse | Abort):
                self._forget_turn(effect.turn_id)
            elif isinstance(effect, ReclaimTools) and kind is not hidden:
                self._perhaps_over.append(self.placement.homes[effect.program_id])
            if kind is not hidden:
                self._effects.append(effect)

    def _forget_turn(self, turn_id: int) -> None:
        home = self._turns.pop(turn_id, None)
        if home is not None:
            home.turns -= 1
            self._perhaps_over.append(home)

    def _forget_if_over(self, home: Home) -> None:
        over = not home.turns and home.program_id not in self.shards[home.shard].scheduler.programs
        if over and self.placement.homes.get(home.program_id) is home:
            self.placement.leave(home)


_HANDLERS: dict[type[Any], Callable[[ShardedScheduler, Any, float], None]] = {
    events.TurnArrived: ShardedScheduler._turn_arrived,
    events.FirstToken: ShardedScheduler._of_turn,
    events.Progress: ShardedScheduler._of_turn,
    events.TurnEnded: ShardedScheduler._turn_over,
    events.TurnCancelled: ShardedScheduler._turn_over,
    events.ProgramReleased: ShardedScheduler._program_released,
    events.BackendJoined: ShardedScheduler._backend_joined,
    events.BackendLeft: ShardedScheduler._of_backend,
    events.CapacityChanged: ShardedScheduler._of_backend,
    events.HealthChanged: ShardedScheduler._of_backend,
    events.BackendAvoided: ShardedScheduler._of_program,
    events.CacheLost: ShardedScheduler._of_backend,
    events.KvResident: ShardedScheduler._of_program,
    events.WeightSyncBegan: ShardedScheduler._of_all,
    events.WeightSyncEnded: ShardedScheduler._of_all,
    events.TimerFired: ShardedScheduler._timer_fired,
}
