"""Order and bounds of preparations."""

from __future__ import annotations

import pytest

from tests.core.resources.host import Host
from thunderagent.core.resources import Spec, Status, events


def test_preparations_follow_the_order_in_which_programs_are_expected() -> None:
    host = Host(preparing=1)
    host.want("first", "first", rank=(5.0,))
    host.want("late", "late", rank=(9.0,))
    host.want("soon", "soon", rank=(1.0,))
    host.prepared("first")
    assert set(host.preparing) == {"soon"}


def test_a_program_that_is_admitted_sooner_than_was_thought_goes_before() -> None:
    host = Host(preparing=1)
    for number, name in enumerate(("first", "second", "third")):
        host.want(name, name, rank=(float(number),))
    host.send(events.Expected("third", (0.5,)))
    host.prepared("first")
    assert set(host.preparing) == {"third"}


def test_whoever_waits_for_it_goes_before_whoever_will() -> None:
    host = Host(preparing=1)
    for number, name in enumerate(("first", "second", "third")):
        host.want(name, name, rank=(float(number),))
    host.need("third")
    host.prepared("first")
    assert set(host.preparing) == {"third"}


@pytest.mark.parametrize(("budget", "limit"), [("count", 2), ("memory_bytes", 20), ("disk_bytes", 20)])
def test_no_more_exist_than_the_budget_allows(budget: str, limit: int) -> None:
    host = Host(**{budget: limit})
    for name in "abc":
        host.want(name, name, Spec(name, memory_bytes=10, disk_bytes=10))
    assert set(host.preparing) == {"a", "b"}
    host.prepared("a")
    host.need("a")
    host.over("a")
    assert set(host.preparing) == {"b"}, "it is being removed, which takes as much"
    host.removed("a")
    assert set(host.preparing) == {"b", "c"}


def test_what_it_takes_in_truth_counts_once_that_is_known() -> None:
    host = Host(disk_bytes=100)
    host.want("a", "a", Spec("a", disk_bytes=10))
    host.prepared("a", disk_bytes=95)
    host.want("b", "b", Spec("b", disk_bytes=10))
    assert host.preparing == {}


def test_one_that_alone_is_more_than_the_budget_is_refused_at_once() -> None:
    host = Host(memory_bytes=10)
    host.want("a", spec=Spec("x", memory_bytes=11))
    refused = host.refused("a")
    assert refused is not None and refused.reason == "one sandbox alone is more than the budget of memory"
    assert refused.retry_after_s is None


def test_idle_ones_make_room_the_longest_idle_first() -> None:
    host = Host(count=2)
    for name in "ab":
        host.want(name, name, Spec(name))
        host.prepared(name)
        host.wait(1)
        host.over(name)
    host.want("c", "c", Spec("c"))
    assert host.releasing == ["a"]
    host.removed("a")
    assert set(host.preparing) == {"c"}


def test_what_is_kept_for_a_program_far_behind_goes_to_one_that_needs_it_more() -> None:
    """Else those that wait for KV cache would keep sandboxes from those that have it, and both would wait for ever."""
    host = Host(count=2)
    for number, name in enumerate(("behind", "further"), start=8):
        host.want(name, name, rank=(float(number),))
        host.prepared(name)
    host.want("front", "front", rank=(1.0,))
    host.need("front")
    assert host.handed_out("front") == "further"
    assert host.status("further") is Status.WANTED


def test_one_of_another_kind_is_removed_for_it_and_prepared_again_later() -> None:
    host = Host(count=1)
    host.want("behind", "behind", Spec("x"), rank=(8.0,))
    host.prepared("behind")
    host.want("front", "front", Spec("y"), rank=(1.0,))
    assert host.releasing == ["behind"]
    host.removed("behind")
    assert set(host.preparing) == {"front"}
    host.prepared("front")
    host.need("front")
    host.over("front")
    host.removed("front")
    (again,) = host.preparing
    host.prepared(again)
    host.need("behind")
    assert host.handed_out("behind") == again != "behind"


def test_nothing_is_taken_from_whoever_comes_first() -> None:
    host = Host(count=1)
    host.want("front", "front", rank=(1.0,))
    host.prepared("front")
    host.want("behind", "behind", Spec("y"), rank=(8.0,))
    assert host.releasing == []
    assert host.status("front") is Status.READY


def test_what_a_sandbox_takes_by_and_by_counts_and_is_free_again_when_it_has_gone() -> None:
    host = Host(disk_bytes=100)
    host.want("a", "a", Spec("a", disk_bytes=10))
    host.prepared("a")
    host.need("a")
    host.send(events.DiskSeen("a", 95))
    host.want("b", "b", Spec("b", disk_bytes=10))
    assert host.preparing == {}
    host.over("a")
    host.send(events.DiskSeen("a", 99))  # it still writes
    assert (host.sandboxes.pool.held.disk_bytes, host.sandboxes.pool.leaving.disk_bytes) == (99, 99)
    host.removed("a")
    assert set(host.preparing) == {"b"}


def test_a_sandbox_that_shrinks_makes_room() -> None:
    host = Host(disk_bytes=100)
    host.want("a", "a", Spec("a", disk_bytes=95))
    host.prepared("a")
    host.want("b", "b", Spec("b", disk_bytes=10))
    host.need("a")
    assert host.preparing == {}
    host.send(events.DiskSeen("a", 20))
    assert set(host.preparing) == {"b"}


def test_disk_of_what_is_not_ours_or_not_there_is_not_counted() -> None:
    host = Host(disk_bytes=100, preparing=1)
    host.send(events.Attached("theirs", "p"))
    host.want("a", "p")
    host.want("b", "q")
    for name in ("theirs", "b", "nobody's"):
        host.send(events.DiskSeen(name, 1_000))
    assert host.sandboxes.pool.held.disk_bytes == 0
