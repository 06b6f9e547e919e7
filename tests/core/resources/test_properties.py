"""Whatever happens in whatever order: the books are right (``Host.check``), everybody is served or told, nothing is left."""

from __future__ import annotations

import itertools
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.resources.host import Host
from thunderagent.core.resources import Spec, Status, events

IMAGES = {"": 0, "ours": 0, "small": 20, "large": 70}
SPECS = [
    Spec(f"{image}/{size}/{reusable}", image, size, size, reusable)
    for image in IMAGES
    for size in (1, 7)
    for reusable in (False, True)
]


class World:
    def __init__(self, random: Random) -> None:
        pick = random.choice
        self.random = random
        self.host = Host(
            count=pick([None, 1, 2, 5]),
            memory_bytes=pick([None, 7, 15]),
            disk_bytes=pick([None, 100]),
            preparing=pick([None, 1, 3]),
            idle=pick([None, 0, 1]),
            idle_ttl_s=pick([None, 5.0]),
        )
        self.names = (f"w{number}" for number in itertools.count(1))
        self.wants: list[tuple[str, str]] = []

    def step(self) -> None:
        host, pick = self.host, self.random.choice
        match self.random.randrange(14):
            case 0 | 1:
                name, program = next(self.names), f"p{self.random.randrange(5)}"
                self.wants.append((name, program))
                host.want(name, program, pick(SPECS), (float(self.random.randrange(4)),))
            case 2 if self.wants:
                host.need(pick(self.wants)[0])
            case 3 | 4 if host.preparing:
                self.prepare(pick(sorted(host.preparing)))
            case 5 if host.preparing:
                host.failed(pick(sorted(host.preparing)), permanent=pick([False, True]))
            case 6 if host.releasing:
                name = pick(host.releasing)
                if pick([False, True]):
                    host.removed(name)
                else:
                    host.releasing.remove(name)
                    host.send(events.ReleaseFailed(name, "busy"))
            case 7:
                host.over(f"p{self.random.randrange(5)}")
            case 8 if host.removing:
                host.image_removed(host.removing[0], pick([False, True]))
            case 9 if self.wants:
                host.unwanted(pick(self.wants)[0])
            case 10 if host.existing:
                host.send(events.DiskSeen(pick(sorted(host.existing)), self.random.randrange(120)))
            case 11:
                host.write()
            case 12 if self.random.randrange(4) == 0:
                self.wants += host.kill_and_recover(self.names).items()
            case _:
                host.send(events.Expected(f"p{self.random.randrange(5)}", (float(self.random.randrange(4)),)))
                host.wait(pick([0.5, 10.0]))

    def prepare(self, name: str) -> None:
        self.host.prepared(name, IMAGES[self.host.preparing[name].image] if self.host.preparing[name].image else None)

    def settle(self) -> None:
        """Everything that is under way comes to a good end."""
        host = self.host
        for _ in range(1_000):
            for name in sorted(host.preparing):
                self.prepare(name)
            for name in list(host.releasing):
                host.removed(name)
            for image in list(host.removing):
                host.image_removed(image)
            if not (host.preparing or host.releasing or host.removing) and host.alarm_s is None:
                return
            host.wait(60)
        raise AssertionError("it never comes to rest")


@settings(max_examples=500, deadline=None)
@given(st.integers(0), st.integers(1, 100))
def test_the_books_are_right_whoever_needs_one_gets_it_and_nothing_is_left(seed: int, steps: int) -> None:
    world = World(Random(seed))
    for _ in range(steps):
        world.step()
    host = world.host
    wants = host.sandboxes.pool.wants
    for _ in range(len(world.wants) + 1):  # programs get theirs, and are over, one after the other
        for want in list(wants.values()):
            host.need(want.id)
        world.settle()
        served = [want for want in wants.values() if want.sandbox.status is Status.IN_USE]
        assert served or not wants, "somebody is served as long as somebody waits"
        for program in sorted({want.program_id for want in served}):
            host.over(program)
        world.settle()
    assert not wants
    told = {effect.wanted_id for effect in host.all_of(events.HandOut)} | {e.wanted_id for e in host.all_of(events.RefuseSandbox)}
    assert told <= {name for name, _ in world.wants}
    host.send(events.ShutDown())
    world.settle()
    assert host.sandboxes.pool.sandboxes == host.existing == {}
