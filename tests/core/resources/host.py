"""A host of sandboxes without any: it notes what is to be done, and answers when it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from thunderagent.core.effects import WakeAt
from thunderagent.core.resources import Budgets, Sandboxes, Spec, Status, events
from thunderagent.core.resources.budgets import Held
from thunderagent.core.resources.events import ResourceEffect, ResourceEvent

T = TypeVar("T")
PLAIN = Spec("plain")


class Host:
    def __init__(self, **budgets: Any) -> None:
        self.sandboxes = Sandboxes(Budgets(**budgets))
        self.changed = self.sandboxes.follow_changes()
        self.kept: dict[str, list[tuple[str, Spec, bool]]] = {}
        """What was written of each program: its sandboxes, and whether it has asked for them."""
        self.now = 0.0
        self.effects: list[ResourceEffect] = []
        """All of them."""
        self.preparing: dict[str, Spec] = {}
        self.existing: dict[str, Spec] = {}
        """Prepared and not yet removed."""
        self.releasing: list[str] = []
        self.images: dict[str, int] = {}
        self.removing: list[str] = []
        self.owner: dict[str, str] = {}
        """Of sandboxes that were handed out."""
        self.alarm_s: float | None = None

    def send(self, event: ResourceEvent) -> list[ResourceEffect]:
        new = self.take(event)
        self.check()
        return new

    def take(self, event: ResourceEvent) -> list[ResourceEffect]:
        new = list(self.sandboxes.handle(event, self.now))
        self.effects += new
        for effect in new:
            match effect:
                case events.Prepare(sandbox_id, spec):
                    assert sandbox_id not in self.preparing
                    self.preparing[sandbox_id] = spec
                case events.Release(sandbox_id):
                    self.owner.pop(sandbox_id, None)
                    self.releasing.append(sandbox_id)
                case events.HandOut(_, sandbox_id, program_id):
                    assert sandbox_id in self.existing, "only what is there is handed out"
                    assert sandbox_id not in self.owner, "to one program at a time"
                    self.owner[sandbox_id] = program_id
                case events.RemoveImage(image):
                    self.removing.append(image)
                case WakeAt(at_s):
                    self.alarm_s = at_s
                case _:
                    pass
        return new

    def write(self) -> None:
        """What programs have by now is kept."""
        pool, kept = self.sandboxes.pool, (Status.READY, Status.IN_USE)
        for program in self.changed:
            sandboxes = [want.sandbox for want in pool.programs.get(program, {}).values()]
            self.kept[program] = [(s.id, s.spec, s.status is Status.IN_USE) for s in sandboxes if s.status in kept]
        self.changed.clear()

    def kill_and_recover(self, names: Iterator[str]) -> dict[str, str]:
        """The next life knows what was written, and looks what there is. Programs by the names of what they have now."""
        self.sandboxes = Sandboxes(self.sandboxes.pool.budgets)
        self.changed = self.sandboxes.follow_changes()
        self.preparing, self.releasing, self.removing, self.owner, self.alarm_s = {}, [], [], {}, None
        wants = {}
        for program, sandboxes in self.kept.items():
            for sandbox_id, spec, in_use in sandboxes:
                wants[name := next(names)] = program
                self.take(events.Recovered(sandbox_id, name, program, spec, in_use=in_use))
                if in_use:
                    self.owner[sandbox_id] = program
        for image, disk_bytes in self.images.items():
            self.take(events.ImageSeen(image, disk_bytes))
        known = self.sandboxes.pool.sandboxes
        for sandbox_id in [name for name in known if name not in self.existing]:
            self.owner.pop(sandbox_id, None)
            self.take(events.Vanished(sandbox_id))
        self.existing = {name: spec for name, spec in self.existing.items() if name in known}  # a sweep has removed all others
        self.check()
        return wants

    def want(self, name: str, program: str = "p", spec: Spec = PLAIN, rank: tuple[float, ...] = ()) -> list[ResourceEffect]:
        return self.send(events.Wanted(name, program, spec, rank))

    def need(self, name: str) -> list[ResourceEffect]:
        return self.send(events.Needed(name))

    def prepared(self, name: str, image_bytes: int | None = None, disk_bytes: int | None = None) -> list[ResourceEffect]:
        spec = self.existing[name] = self.preparing.pop(name)
        if image_bytes is not None:
            self.images[spec.image] = image_bytes
        return self.send(events.Prepared(name, disk_bytes, image_bytes))

    def failed(self, name: str, reason: str = "no luck", permanent: bool = False) -> list[ResourceEffect]:
        del self.preparing[name]
        return self.send(events.PreparationFailed(name, reason, permanent))

    def over(self, program: str = "p") -> list[ResourceEffect]:
        for sandbox_id in [sandbox_id for sandbox_id, owner in self.owner.items() if owner == program]:
            del self.owner[sandbox_id]
        return self.send(events.ProgramOver(program))

    def unwanted(self, name: str) -> list[ResourceEffect]:
        want = self.sandboxes.pool.wants.get(name)
        if want is not None:
            self.owner.pop(want.sandbox.id, None)
        return self.send(events.Unwanted(name))

    def removed(self, name: str) -> list[ResourceEffect]:
        self.releasing.remove(name)
        self.existing.pop(name, None)
        return self.send(events.Released(name))

    def image_removed(self, image: str, removed: bool = True) -> list[ResourceEffect]:
        self.removing.remove(image)
        if removed:
            self.images.pop(image, None)
        return self.send(events.ImageRemoved(image, removed))

    def wait(self, seconds: float) -> list[ResourceEffect]:
        """The timer fires as it was asked to."""
        end_s, seen = self.now + seconds, len(self.effects)
        while self.alarm_s is not None and self.alarm_s <= end_s:
            self.now, self.alarm_s = max(self.now, self.alarm_s), None
            self.send(events.TimerFired())
        self.now = end_s
        return self.effects[seen:]

    def status(self, name: str) -> Status:
        """Of what a want has."""
        return self.sandboxes.pool.wants[name].sandbox.status

    def all_of(self, kind: type[T]) -> list[T]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def handed_out(self, name: str) -> str | None:
        """The sandbox that a want got."""
        return next((effect.sandbox_id for effect in self.all_of(events.HandOut) if effect.wanted_id == name), None)

    def refused(self, name: str) -> events.RefuseSandbox | None:
        return next((effect for effect in self.all_of(events.RefuseSandbox) if effect.wanted_id == name), None)

    def check(self) -> None:
        """Everything is as if it were counted anew."""
        pool = self.sandboxes.pool
        existing = [sandbox for sandbox in pool.sandboxes.values() if sandbox.exists and not sandbox.foreign]
        held, leaving = Held(), Held()
        for sandbox in existing:
            held.add(sandbox)
            if sandbox.status is Status.RELEASING:
                leaving.add(sandbox)
        assert (pool.held, pool.leaving) == (held, leaving)
        assert pool.preparing == len(self.preparing) == sum(sandbox.status is Status.PREPARING for sandbox in existing)
        budgets = pool.budgets
        assert budgets.count is None or held.count <= budgets.count
        assert budgets.memory_bytes is None or held.memory_bytes <= budgets.memory_bytes
        assert budgets.preparing is None or pool.preparing <= budgets.preparing
        assert budgets.idle is None or len(pool.idle) <= budgets.idle
        wanted = {want.id for want in pool.wants.values() if want.sandbox.status is Status.WANTED}
        assert {want.id for want in pool.queue} | {want.id for want in pool.later} == wanted
        assert {want.id for kind in pool.unready.values() for want in kind} == wanted
        assert {want.id for want in pool.ready} == {w.id for w in pool.wants.values() if w.sandbox.status is Status.READY}
        assert {s.id for s in pool.idle} == {s.id for s in existing if s.status is Status.IDLE}
        assert {s.id for kind in pool.idle_by_kind.values() for s in kind.values()} == {s.id for s in pool.idle}
        nobodys = {s.id for s in existing if s.status is Status.PREPARING and s.want is None}
        assert {s.id for kind in pool.orphans.values() for s in kind.values()} == nobodys
        assert pool.images.total_bytes == sum(self.images.values())
