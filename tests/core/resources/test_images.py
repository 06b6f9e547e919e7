"""Disk that images take, and images that keep failing."""

from __future__ import annotations

from tests.core.resources.host import Host
from thunderagent.core.effects import WakeAt
from thunderagent.core.resources import Spec, events
from thunderagent.core.resources.images import (
    LONGEST_QUARANTINE_S,
    QUARANTINE_AFTER,
    QUARANTINE_PROVEN_AFTER,
    QUARANTINE_S,
    STUCK_S,
)


def of(image: str) -> Spec:
    return Spec(image, image=image)


def use(host: Host, image: str, size: int = 40) -> None:
    """One program has one sandbox of it."""
    host.want(image, image, of(image))
    host.prepared(image, image_bytes=size)
    host.need(image)
    host.over(image)
    host.removed(image)


def test_the_least_recently_used_image_makes_room() -> None:
    host = Host(disk_bytes=100)
    use(host, "a")
    use(host, "b")
    host.want("c", "c", of("c"))
    assert (host.removing, host.preparing) == ([], {"c": of("c")}), "20 are left, so one of unknown size may come"
    host.prepared("c", image_bytes=40)
    assert host.removing == ["a"]


def test_an_image_in_use_is_never_removed() -> None:
    host = Host(disk_bytes=100)
    host.want("a", "a", of("a"))
    host.prepared("a", image_bytes=90)
    host.need("a")
    host.want("b", "b", of("b"))
    host.prepared("b", image_bytes=90)
    assert host.removing == []
    host.over("a")
    host.removed("a")
    assert host.removing == ["a"]


def test_while_nothing_is_known_of_sizes_images_come_one_after_the_other() -> None:
    host = Host(disk_bytes=100)
    for image in "abc":
        host.want(image, image, of(image))
    assert set(host.preparing) == {"a"}
    host.prepared("a", image_bytes=10)
    assert set(host.preparing) == {"b", "c"}, "ten of the largest fit"


def test_without_a_budget_they_come_all_at_once() -> None:
    host = Host()
    for image in "abc":
        host.want(image, image, of(image))
    assert list(host.preparing) == ["a", "b", "c"]


def test_images_are_pruned_before_the_next_one_comes_when_the_disk_is_full() -> None:
    host = Host(disk_bytes=100)
    use(host, "a", 60)
    use(host, "b", 40)
    host.want("c", "c", of("c"))
    assert (host.removing, host.preparing) == (["a"], {})
    host.image_removed("a")
    assert set(host.preparing) == {"c"}


def test_an_image_that_is_being_removed_is_waited_for_and_pulled_again() -> None:
    host = Host(disk_bytes=100)
    use(host, "a", 60)
    use(host, "b", 60)
    assert host.removing == ["a"]
    host.want("again", "again", of("a"))
    assert host.preparing == {}
    host.image_removed("a")
    assert set(host.preparing) == {"again"}


def test_an_image_that_cannot_be_removed_is_left_alone_for_a_while() -> None:
    host = Host(disk_bytes=100)
    use(host, "a", 60)
    use(host, "b", 60)
    effects = host.image_removed("a", removed=False)
    assert effects == [events.RemoveImage("b"), WakeAt(host.now + STUCK_S)]
    host.image_removed("b", removed=False)
    host.wait(STUCK_S)
    assert host.removing == ["a"]


def test_idle_sandboxes_give_up_their_images() -> None:
    host = Host(disk_bytes=100)
    host.want("a", "a", of("a"))
    host.prepared("a", image_bytes=100)
    host.over("a")
    host.want("b", "b", of("b"))
    assert host.releasing == ["a"]
    host.removed("a")
    assert host.removing == ["a"]


def test_an_image_that_is_seen_without_a_sandbox_counts() -> None:
    host = Host(disk_bytes=100)
    host.images["old"] = 150
    host.send(events.ImageSeen("old", 150))
    assert host.removing == ["old"]
    host.image_removed("old")


def test_an_image_that_is_not_ours_to_remove_is_not_counted_and_stays() -> None:
    host = Host(disk_bytes=100)
    use(host, "theirs", 0)
    use(host, "ours", 90)
    use(host, "more", 90)
    assert host.removing == ["ours"]
    host.image_removed("ours")
    assert host.removing == []
    host.want("again", "again", of("theirs"))
    assert set(host.preparing) == {"again"}, "it is there, and takes no room"


def test_an_image_that_turns_out_not_to_be_ours_is_not_removed_any_more() -> None:
    host = Host(disk_bytes=100)
    use(host, "a", 60)
    host.images["a"] = 0
    host.send(events.ImageSeen("a", 0))
    use(host, "b", 90)
    use(host, "c", 90)
    assert host.removing == ["b"]


def test_forty_images_take_no_more_than_the_budget_and_one_image() -> None:
    host = Host(disk_bytes=100)
    peak = 0
    for number in range(40):
        image = f"image-{number}"
        host.want(image, image, of(image))
        while host.removing:
            host.image_removed(host.removing[0])
        host.prepared(image, image_bytes=30)
        peak = max(peak, sum(host.images.values()))
        host.need(image)
        host.over(image)
        host.removed(image)
    assert 100 < peak <= 130


def fail(host: Host, image: str, name: str) -> None:
    host.want(name, name, of(image))
    host.failed(name, "it does not start")


def test_an_image_that_keeps_failing_is_not_tried_for_a_while() -> None:
    host = Host()
    for number in range(QUARANTINE_AFTER):
        fail(host, "bad", f"p{number}")
        host.over(f"p{number}") if number < QUARANTINE_AFTER - 1 else None
    refused = host.refused(f"p{QUARANTINE_AFTER - 1}")
    assert refused is not None and refused.retry_after_s == QUARANTINE_S
    host.want("next", "next", of("bad"))
    next_refused = host.refused("next")
    assert next_refused is not None and next_refused.reason == "preparations from bad keep failing"
    host.want("good", "good", of("good"))
    assert set(host.preparing) == {"good"}


def test_an_image_that_has_worked_may_fail_more_often_before_it_is_left_alone() -> None:
    host = Host()
    host.want("works", "works", of("shared"))
    host.prepared("works")
    host.need("works")
    host.over("works")
    for number in range(QUARANTINE_PROVEN_AFTER):
        assert host.sandboxes.pool.images.quarantined_s("shared", host.now) == 0
        fail(host, "shared", f"p{number}")
        host.over(f"p{number}")
    assert host.sandboxes.pool.images.quarantined_s("shared", host.now) == QUARANTINE_S


def test_after_a_quarantine_one_more_failure_makes_it_twice_as_long_and_a_success_ends_it() -> None:
    host = Host()
    for number in range(QUARANTINE_AFTER):
        fail(host, "bad", f"p{number}")
        host.over(f"p{number}") if number < QUARANTINE_AFTER - 1 else None
    lengths_s = []
    for number in range(5):
        host.wait(LONGEST_QUARANTINE_S)
        fail(host, "bad", f"again{number}")
        refused = host.refused(f"again{number}")
        assert refused is not None and refused.retry_after_s is not None
        lengths_s.append(refused.retry_after_s)
    assert lengths_s == [120, 240, 480, 600, 600]
    host.wait(LONGEST_QUARANTINE_S)
    host.want("works", "works", of("bad"))
    host.prepared("works")
    fail(host, "bad", "once")
    assert host.refused("once") is None
