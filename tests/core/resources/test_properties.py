"""Whatever happens in whatever order: the books are right (``Host.check``), everybody is served or told, nothing is left."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.resources.host import Host
from thunderagent.core.resources import Spec, Status, events

IMAGES = {"": 0, "small": 20, "large": 70}
SPECS = [
    Spec(f"{image}/{size}/{reusable}", image, size, size, reusable)
    for image in IMAGES
    for size in (1, 7)
    for reusable in (False, True)
]


class World:
    def __init__(self, draw: st.DataObject) -> None:
        pick = draw.draw
        self.draw = pick
        self.host = Host(
            count=pick(st.sampled_from([None, 1, 2, 5])),
            memory_bytes=pick(st.sampled_from([None, 7, 15])),
            disk_bytes=pick(st.sampled_from([None, 100])),
            preparing=pick(st.sampled_from([None, 1, 3])),
            idle=pick(st.sampled_from([None, 0, 1])),
            idle_ttl_s=pick(st.sampled_from([None, 5.0])),
        )
        self.number = 0
        self.wants: list[tuple[str, str]] = []

    def step(self) -> None:
        host, pick = self.host, self.draw
        match pick(st.integers(0, 9)):
            case 0 | 1:
                self.number += 1
                program = f"p{pick(st.integers(0, 4))}"
                self.wants.append((f"w{self.number}", program))
                host.want(f"w{self.number}", program, pick(st.sampled_from(SPECS)), (float(pick(st.integers(0, 3))),))
            case 2 if self.wants:
                host.need(pick(st.sampled_from(self.wants))[0])
            case 3 | 4 if host.preparing:
                self.prepare(pick(st.sampled_from(sorted(host.preparing))))
            case 5 if host.preparing:
                host.failed(pick(st.sampled_from(sorted(host.preparing))), permanent=pick(st.booleans()))
            case 6 if host.releasing:
                name = pick(st.sampled_from(host.releasing))
                if pick(st.booleans()):
                    host.removed(name)
                else:
                    host.releasing.remove(name)
                    host.send(events.ReleaseFailed(name, "busy"))
            case 7:
                host.over(f"p{pick(st.integers(0, 4))}")
            case 8 if host.removing:
                host.image_removed(host.removing[0], pick(st.booleans()))
            case _:
                host.send(events.Expected(f"p{pick(st.integers(0, 4))}", (float(pick(st.integers(0, 3))),)))
                host.wait(pick(st.sampled_from([0.5, 10.0])))

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


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_the_books_are_right_whoever_needs_one_gets_it_and_nothing_is_left(data: st.DataObject) -> None:
    world = World(data)
    for _ in range(data.draw(st.integers(1, 60))):
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
