"""Agents in a closed loop before shards of engines, in simulated time.

The agents of ``benchmarks.core``, and its engines: prefill and decode take the time of their tokens, whatever else runs there.
Full simulated engines, ten thousand of them, would take hours; what is measured are the schedulers, and they are the real ones.
"""

from __future__ import annotations

import heapq
import math
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, replace

from benchmarks.core.closed_loop import TIMER_LATE_S, Agent, ClosedLoop, capacity_tokens
from thunderagent.core import (
    Abort,
    Admit,
    BackendJoined,
    BackendLeft,
    Effect,
    Event,
    Refuse,
    Scheduler,
    ThunderPolicy,
    TimerFired,
    WakeAt,
)
from thunderagent.core.ledger import Backend
from thunderagent.core.sharding import ShardedScheduler

CPU_SAMPLE = 31
"""One event in so many is timed: the clock costs a tenth of an event. A prime, as arrivals and ends alternate."""
LOOKS = 50
"""At the balance, in each run, spread evenly; and lines of progress."""


class Recorded(Scheduler):
    """Keeps what it was told."""

    __slots__ = ("effect_count", "events")

    def __init__(self) -> None:
        super().__init__(ThunderPolicy())
        self.events: list[tuple[Event, float]] = []
        self.effect_count = 0

    def handle(self, event: Event, now: float) -> tuple[Effect, ...]:
        """And count what came of it."""
        effects = super().handle(event, now)
        self.events.append((event, now))
        self.effect_count += len(effects)
        return effects


def shard_of(backend_id: str) -> str:
    """``shard-7`` of ``shard-7/engine-3``."""
    return backend_id.partition("/")[0]


def sharded(recorded: str = "") -> ShardedScheduler:
    """One of whose shards is recorded."""
    return ShardedScheduler(lambda name: Recorded() if name == recorded else Scheduler(ThunderPolicy()), shard_of)


@dataclass(frozen=True, slots=True)
class Moves:
    """Living programs that were there before one shard left or came back."""

    on_it: int
    """That lived on it."""
    elsewhere: int
    """That did not."""
    from_it: int
    """Of the former, now elsewhere."""
    to_it: int
    """Of the latter, now on it."""
    others: int
    """Of the latter, now on still another one: nothing has to move there."""


@dataclass(slots=True)
class World(ClosedLoop):
    """A closed loop that does not keep its events, and in which shards leave and come back."""

    shards: int = 1
    sent: int = 0
    """Events so far."""
    cpu_s: float = 0.0
    """Of the schedulers and of what routes to them, by samples."""
    worst_balance: float = 0.0
    """Programs of the fullest shard over the mean, the highest of all looks."""

    @property
    def front(self) -> ShardedScheduler:
        """That of its shards."""
        assert isinstance(self.scheduler, ShardedScheduler)
        return self.scheduler

    def names(self, shard: int) -> list[str]:
        """The engines of a shard."""
        return [f"shard-{shard}/engine-{number}" for number in range(self.backends // self.shards)]

    def run(self, events: int) -> None:
        """Go on until so many events were sent in all."""
        began, wanted = self.sent, events - self.sent
        looks = 0
        while self.sent < events:
            if self._alarm_s <= self._future[0][0]:
                self.now, self._alarm_s = self._alarm_s, math.inf
                self._send(TimerFired())
            else:
                self.now, _, step, agent = heapq.heappop(self._future)
                step(agent)
            if (self.sent - began) * LOOKS >= (looks + 1) * wanted:
                looks += 1
                self.worst_balance = max(self.worst_balance, self.balance())
                self._show()

    def balance(self) -> float:
        """Programs of the fullest shard over the mean of those that take any."""
        programs = [
            self.front.placement.programs(name) for name, shard in self.front.shards.items() if shard.scheduler.ledger.any_usable
        ]
        return max(programs) * len(programs) / sum(programs)

    def torn_groups(self) -> tuple[int, int]:
        """Prompt groups of two living members or more: on several shards, and all."""
        shards: dict[str, list[str]] = defaultdict(list)
        for home in self.front.placement.homes.values():
            shards[home.group].append(home.shard)
        several = [set(each) for each in shards.values() if len(each) > 1]
        return sum(len(each) > 1 for each in several), len(several)

    def homes(self) -> dict[str, str]:
        """The shard of every program."""
        return {name: home.shard for name, home in self.front.placement.homes.items()}

    def moves(self, before: dict[str, str], shard: int) -> Moves:
        """Since then, as seen from one shard."""
        it, now = f"shard-{shard}", self.homes()
        both = [(old, now[name]) for name, old in before.items() if name in now]
        on_it = [new for old, new in both if old == it]
        moved = [new for old, new in both if it != old != new]
        return Moves(
            len(on_it), len(both) - len(on_it), sum(new != it for new in on_it), moved.count(it), len(moved) - moved.count(it)
        )

    def leave(self, shard: int) -> None:
        """All engines of it die at once."""
        for backend_id in self.names(shard):
            self._send(BackendLeft(backend_id))

    def come_back(self, shard: int) -> None:
        """All engines of it, with empty caches."""
        for backend_id in self.names(shard):
            self._send(BackendJoined(backend_id, capacity_tokens(self.programs, self.backends)))

    def _backend_ids(self) -> list[str]:
        return [backend_id for shard in range(self.shards) for backend_id in self.names(shard)]

    def _backend(self, backend_id: str) -> Backend:
        return self.front.shards[shard_of(backend_id)].scheduler.ledger.backends[backend_id]

    def _first_token(self, agent: Agent) -> None:
        if agent.turn_id:
            ClosedLoop._first_token(self, agent)

    def _end(self, agent: Agent) -> None:
        if agent.turn_id:
            ClosedLoop._end(self, agent)

    def _ask_again(self, agent: Agent) -> None:
        self._ask(agent, retry=True)

    def _send(self, event: Event) -> None:
        self.sent += 1
        if self.sent % CPU_SAMPLE:
            effects = self.scheduler.handle(event, self.now)
        else:
            start_s = time.thread_time()
            effects = self.scheduler.handle(event, self.now)
            self.cpu_s += CPU_SAMPLE * (time.thread_time() - start_s)
        for effect in effects:
            if isinstance(effect, Admit):
                self._admitted(self._agents[effect.turn_id], effect.backend_id)
            elif isinstance(effect, WakeAt):
                self._alarm_s = max(effect.at_s, self.now) + TIMER_LATE_S
            elif isinstance(effect, Abort | Refuse):
                self._try_again(effect)

    def _try_again(self, effect: Abort | Refuse) -> None:
        """As a gateway does with a turn that lost its engine, and a client with one that was refused for now."""
        agent = self._agents.pop(effect.turn_id)
        again = replace(agent, backend_id="", turn_id=0)
        agent.turn_id = 0  # what the engine was to do for it will not happen
        retry_after_s = 0.0 if isinstance(effect, Abort) else effect.retry_after_s
        if retry_after_s is None:
            raise AssertionError(f"the load fits, but {effect}")
        self._after(retry_after_s, self._ask_again, again)

    def _show(self) -> None:
        line = f"{self.sent:>12,} events, {len(self.front.placement.homes):>9,} programs, {self.now:7.1f} s simulated"
        print(f"\r{line}", end="", file=sys.stderr, flush=True)
