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
LEAVES, COMES_BACK, ENDS = 3.5, 4.0, 4.5
"""Events per program until a shard leaves, until it comes back, and in all: all programs have come, and had a turn or so."""
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
    world.run(round(LEAVES * world.programs))
    warm_up = len(_recorded(world, 0).events)
    world.run(round(ENDS * world.programs))
    return _cost_us(_recorded(world, 0), world.programs, warm_up)


def _many(shards: int, engines: int, one_us: float) -> dict[str, Figure]:
    before_bytes, began_s = _resident_bytes(), time.monotonic()
    gc.collect()
    gc.disable()  # millions of objects, none of them garbage
    try:
        world = _world(shards, engines, WATCHED)
        programs = world.programs
        world.run(round(LEAVES * programs))
        torn, groups = world.torn_groups()
        balance, warm_up = world.balance(), len(_recorded(world, WATCHED).events)
        homes = world.homes()
        world.leave(LEAVING)
        world.run(round(COMES_BACK * programs))
        left = world.moves(homes, LEAVING)
        homes = world.homes()
        world.come_back(LEAVING)
        world.run(round(ENDS * programs))
        back = world.moves(homes, LEAVING)
    finally:
        gc.enable()
    wall_s, memory_bytes = time.monotonic() - began_s, _resident_bytes() - before_bytes
    print("\nchecking all sums of all shards", file=sys.stderr, flush=True)
    world.front.check_invariants()
    recorded, sent, simulated_s, cpu_s, worst = (
        _recorded(world, WATCHED),
        world.sent,
        world.now,
        world.cpu_s,
        world.worst_balance,
    )
    del world, homes  # the replay is to have the machine's memory to itself, as a scheduler in its own process
    shard_us = _cost_us(recorded, programs // shards, warm_up)
    return {
        "shards_engines": Figure(shards * engines, "engines"),
        "shards": Figure(shards, "shards"),
        "shards_programs": Figure(programs, "programs"),
        "shards_events": Figure(sent, "events"),
        "shards_simulated_time": Figure(simulated_s, "s"),
        "shards_wall_time": Figure(wall_s, "s"),
        "shards_events_of_all_in_one_process": Figure(sent / cpu_s, "1/s of CPU"),
        "shards_cpu_of_one_scheduler": Figure(one_us, "us/event"),
        "shards_cpu_of_one_shard": Figure(shard_us, "us/event"),
        "shards_cpu_of_one_shard_over_one_scheduler": Figure(shard_us / one_us, "x", at_most=1.1),
        "shards_cpu_of_placing_a_program": Figure(_placing_us(shards, engines), "us"),
        "shards_memory": Figure(memory_bytes / programs, "B/program"),
        "shards_balance": Figure(balance, "x of the mean", at_most=1.25),
        "shards_balance_worst": Figure(worst, "x of the mean", at_most=1.5),
        "shards_groups_on_several": Figure(100 * torn / groups, "% of groups"),
        "shard_left_its_programs_elsewhere": Figure(100 * left.from_it / left.on_it, "%"),
        "shard_left_others_moved": Figure(100 * left.others / left.elsewhere, "%", at_most=1),
        "shard_came_back_moved_to_it": Figure(100 * back.to_it / back.elsewhere, "%"),
        "shard_came_back_others_moved": Figure(100 * back.others / back.elsewhere, "%", at_most=1),
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
