"""What an earlier life has made comes back: counted once, used on, released as ever."""

from __future__ import annotations

from itertools import count

from tests.core.resources.host import PLAIN, Host
from thunderagent.core.resources import Budgets, Sandboxes, Spec, Status, events

NAMES = (f"new-{number}" for number in count(1))
SIZED = Spec("sized", "image", memory_bytes=5, disk_bytes=7)


def killed(**budgets: int) -> Host:
    """One sandbox in use, one ready, one that is still being prepared when all is written; then nothing is."""
    host = Host(**budgets)
    for name in ("used", "ready", "on its way"):
        host.want(name, spec=SIZED)
    host.need("used")
    host.prepared("used", image_bytes=100)
    host.prepared("ready")
    host.write()
    return host


def test_what_programs_had_is_theirs_and_counts_once() -> None:
    host = killed()
    host.want("after it", "q")
    host.prepared("after it")
    assert list(host.kill_and_recover(NAMES).values()) == ["p", "p"]
    sandboxes = host.sandboxes.pool.sandboxes
    assert {name: one.status for name, one in sandboxes.items()} == {"used": Status.IN_USE, "ready": Status.READY}
    held = host.sandboxes.pool.held
    assert (held.count, held.memory_bytes, held.disk_bytes, host.sandboxes.pool.images.total_bytes) == (2, 10, 14, 100)
    host.send(events.Recovered("used", "again", "p", SIZED))
    host.send(events.Attached("used", "q"))
    assert host.sandboxes.pool.held.count == 2, "once is enough"
    host.over()
    assert host.releasing == ["used"], "what it never asked for is kept for others"


def test_what_was_ready_is_handed_out_without_being_prepared_again() -> None:
    host = killed()
    _, ready = host.kill_and_recover(NAMES)
    assert host.need(ready) == [events.HandOut(ready, "ready", "p")]
    host.over()
    assert host.releasing == ["used", "ready"]


def test_recovered_sandboxes_fill_the_budget_even_beyond_it() -> None:
    sandboxes = Sandboxes(Budgets(count=1))
    for name in "ab":
        sandboxes.handle(events.Recovered(name, f"new {name}", name, PLAIN), 0)
    assert sandboxes.handle(events.Wanted("c", "c", PLAIN), 1) == ()
    for name in "ab":
        assert sandboxes.handle(events.ProgramOver(name), 2) == (events.Release(name),)
    assert sandboxes.handle(events.Released("a"), 3) == ()
    assert sandboxes.handle(events.Released("b"), 3) == (events.Prepare("c", PLAIN),)


def test_an_image_of_which_sandboxes_were_recovered_is_in_use_until_they_are_gone() -> None:
    host = killed(disk_bytes=120)
    host.kill_and_recover(NAMES)
    host.want("other", "q", Spec("other", "another image", disk_bytes=50))
    assert host.removing == []
    host.over()
    for name in list(host.releasing):
        assert host.removing == []
        host.removed(name)
    assert host.removing == ["image"]


def test_nobody_follows_changes_unless_he_asks() -> None:
    sandboxes = Sandboxes()
    sandboxes.handle(events.Attached("theirs", "p"), 0)
    assert sandboxes.pool.changed is None
    changed = sandboxes.follow_changes()
    assert sandboxes.follow_changes() is changed == set()
    sandboxes.handle(events.Attached("more of theirs", "q"), 0)
    assert changed == {"q"}


def test_programs_that_lose_what_was_ready_to_more_urgent_ones_have_changed() -> None:
    host = Host(count=1)
    host.want("a", "p", rank=(2.0,))
    host.prepared("a")
    host.changed.clear()
    host.want("b", "q", rank=(1.0,))
    assert host.changed == {"p", "q"}
