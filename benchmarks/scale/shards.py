"""Ten thousand engines in shards with a scheduler each, a million programs; and what sharding costs in efficiency."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

from benchmarks.core.replay import Recording, median_cost
from benchmarks.report import Figure
from benchmarks.scale import shard_efficiency
from benchmarks.scale.shard_world import Recorded, World, sharded
from thunderagent.core import ThunderPolicy
from thunderagent.core.sharding import Placement

SHARDS, QUICK_SHARDS = 100, 5
ENGINES, QUICK_ENGINES = 100, 16
"""Of a shard."""
PROGRAMS_PER_ENGINE = 100
"""Three times what their KV caches hold at once."""
LEAVES, COMES_BACK, ENDS = 3, 4, 5
"""Events per program until a shard leaves, until it comes back, and in all: half a minute of simulated time in a few minutes."""
WATCHED, LEAVING = 1, 2
"""The shard whose events are replayed against the clock; the one that leaves."""
REPLAYS = 5
PLACED = 100_000
"""Programs that are placed against the clock."""


def measure(quick: bool) -> dict[str, Figure]:
    """All of it."""
    shards, engines = (QUICK_SHARDS, QUICK_ENGINES) if quick else (SHARDS, ENGINES)
    return _efficiency(quick) | _many(shards, engines, _one(engines))


def _efficiency(quick: bool) -> dict[str, Figure]:
    print("efficiency: simulating full engines under one scheduler and under several", file=sys.stderr, flush=True)
    return shard_efficiency.measure(quick)


def _one(engines: int) -> float:
    """CPU in us per event of one scheduler that has as many engines as a shard, and as many programs."""
    world = _world(1, engines, 0)
    world.run(LEAVES * world.programs)
    warm_up = len(_recorded(world, 0).events)
    world.run(ENDS * world.programs)
    return _cost_us(_recorded(world, 0), world.programs, warm_up)


def _many(shards: int, engines: int, one_us: float) -> dict[str, Figure]:
    before_bytes, began_s = _resident_bytes(), time.monotonic()
    gc.collect()
    gc.disable()  # millions of objects, none of them garbage
    try:
        world = _world(shards, engines, WATCHED)
        programs = world.programs
        world.run(LEAVES * programs)
        torn, groups = world.torn_groups()
        balance, warm_up = world.balance(), len(_recorded(world, WATCHED).events)
        homes = world.homes()
        world.leave(LEAVING)
        world.run(COMES_BACK * programs)
        left = world.moves(homes, LEAVING)
        homes = world.homes()
        world.come_back(LEAVING)
        world.run(ENDS * programs)
        back = world.moves(homes, LEAVING)
    finally:
        gc.enable()
    wall_s, memory_bytes = time.monotonic() - began_s, _resident_bytes() - before_bytes
    print("\nchecking all sums of all shards", file=sys.stderr, flush=True)
    world.front.check_invariants()
    shard_us = _cost_us(_recorded(world, WATCHED), programs // shards, warm_up)
    return {
        f"{shards * engines:,} engines in {shards} shards, {programs:,} programs": Figure(world.sent, "events"),
        "shards: simulated time": Figure(world.now, "s"),
        "shards: wall time of the simulation": Figure(wall_s, "s"),
        "shards: all schedulers in one process": Figure(world.sent / world.cpu_s, "events/CPU second"),
        "shards: CPU of one scheduler with as many engines as a shard": Figure(one_us, "us/event"),
        "shards: CPU of one of the shards, replayed alone": Figure(shard_us, "us/event"),
        "shards: CPU per event of a shard over that of one scheduler": Figure(shard_us / one_us, "x", at_most=1.1),
        "shards: CPU of placing a program and forgetting it": Figure(_placing_us(shards, engines), "us"),
        "shards: memory of schedulers, router and simulation": Figure(memory_bytes / programs, "B/program"),
        "shards: balance, programs of the fullest over the mean": Figure(balance, "x", at_most=1.25),
        "shards: balance, the worst of all looks": Figure(world.worst_balance, "x", at_most=1.5),
        "shards: prompt groups on more than one shard": Figure(100 * torn / groups, "%"),
        "shards: one left, its programs that live elsewhere after it": Figure(100 * left.from_it / left.on_it, "%"),
        "shards: one left, other programs that moved": Figure(100 * left.others / left.elsewhere, "%", at_most=1),
        "shards: it came back, programs that moved to it": Figure(100 * back.to_it / back.elsewhere, "%"),
        "shards: it came back, programs that moved elsewhere": Figure(100 * back.others / back.elsewhere, "%", at_most=1),
    }


def _world(shards: int, engines: int, recorded: int) -> World:
    programs = shards * engines * PROGRAMS_PER_ENGINE
    print(f"{programs:,} programs on {shards} x {engines} engines", file=sys.stderr, flush=True)
    return World(sharded(f"shard-{recorded}"), programs, shards * engines, shards=shards)


def _recorded(world: World, shard: int) -> Recorded:
    scheduler = world.front.shards[f"shard-{shard}"].scheduler
    assert isinstance(scheduler, Recorded)
    return scheduler


def _cost_us(recorded: Recorded, programs: int, warm_up: int) -> float:
    """CPU per event of a scheduler in a process of its own, after the warm-up."""
    print(f"\nreplaying {len(recorded.events):,} events of one scheduler", file=sys.stderr, flush=True)
    recording = Recording(programs, recorded.events, warm_up, recorded.effect_count, recorded.counters, 0, 0.0, recorded)
    return median_cost(recording, ThunderPolicy, REPLAYS).seconds / recording.timed * 1e6


def _placing_us(shards: int, engines: int) -> float:
    """Among programs in groups of eight that are there already."""
    placement = Placement()
    for shard in range(shards):
        placement.weigh(f"shard-{shard}", engines)
    for number in range(PLACED):
        placement.place(f"there-{number}", f"there-{number // 8}")
    start_s = time.thread_time()
    for number in range(PLACED):
        placement.leave(placement.place(f"new-{number}", f"new-{number // 8}"))
    return (time.thread_time() - start_s) / PLACED * 1e6


def _resident_bytes() -> int:
    """Linux only: other systems tell the peak alone."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
