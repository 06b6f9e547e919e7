"""One sandbox from being wanted to being gone."""

from __future__ import annotations

import itertools

import pytest

from tests.core.resources.host import Host
from thunderagent.core.resources import Spec, Status, events
from thunderagent.core.resources.handlers import FIRST_PAUSE_S, LONGEST_PAUSE_S, MAX_ATTEMPTS
from thunderagent.errors import IllegalSandboxStep


def test_a_sandbox_is_prepared_as_soon_as_it_is_wanted_and_handed_out_when_it_is_needed() -> None:
    host = Host()
    assert host.want("a") == [events.Prepare("a", Spec("plain"))]
    assert host.status("a") is Status.PREPARING
    assert host.prepared("a") == []
    assert host.status("a") is Status.READY
    assert host.need("a") == [events.HandOut("a", "a", "p")]
    assert host.status("a") is Status.IN_USE
    assert host.over() == [events.Release("a")]
    host.removed("a")
    assert host.sandboxes.pool.sandboxes == {}


def test_what_is_needed_before_it_is_there_is_handed_out_when_it_is() -> None:
    host = Host()
    host.want("a")
    assert host.need("a") == []
    assert host.prepared("a") == [events.HandOut("a", "a", "p")]
    assert host.need("a") == [], "it has it already"


def test_times_tell_how_much_of_the_preparation_was_waited_for() -> None:
    host = Host()
    host.want("a")
    host.wait(2)
    host.need("a")
    host.wait(3)
    host.prepared("a")
    want = host.sandboxes.pool.wants["a"]
    assert (want.wanted_s, want.began_s, want.needed_s, want.ready_s) == (0, 0, 2, 5)


def test_a_program_that_is_over_before_its_preparation_begins_leaves_nothing() -> None:
    host = Host(preparing=1)
    host.want("a", "p")
    host.want("b", "q")
    assert host.over("q") == []
    assert set(host.sandboxes.pool.sandboxes) == {"a"}


def test_a_preparation_that_fails_is_tried_again_after_growing_pauses_and_then_refused() -> None:
    host = Host()
    host.want("a")
    began_s = []
    for _ in range(MAX_ATTEMPTS):
        began_s.append(host.now)
        host.failed("a", "the daemon is busy")
        host.wait(FIRST_PAUSE_S * 2 ** (len(began_s) - 1))
    assert began_s == [0, 1, 3, 7]
    refused = host.refused("a")
    assert refused is not None and refused.reason == "the daemon is busy" and refused.retry_after_s
    assert host.sandboxes.pool.sandboxes == host.sandboxes.pool.wants == {}


def test_what_cannot_help_is_not_tried_again() -> None:
    host = Host()
    host.want("a", spec=Spec("x", image="nosuch:1"))
    host.failed("a", "no such image: nosuch:1", permanent=True)
    assert host.refused("a") == events.RefuseSandbox("a", "p", "no such image: nosuch:1", None)


def test_a_program_that_is_over_between_two_attempts_leaves_nothing() -> None:
    host = Host()
    host.want("a")
    host.failed("a")
    host.over()
    assert host.wait(100) == []
    assert host.sandboxes.pool.sandboxes == {}


def test_a_preparation_for_nobody_that_fails_is_forgotten() -> None:
    host = Host()
    host.want("a")
    host.over()
    assert host.failed("a") == []
    assert host.sandboxes.pool.sandboxes == {}


def test_a_removal_that_fails_is_tried_for_ever_ever_more_seldom() -> None:
    host = Host()
    host.want("a")
    host.prepared("a")
    host.need("a")
    host.over()
    times_s = []
    for _ in range(10):
        times_s.append(host.now)
        host.releasing.remove("a")
        assert host.send(events.ReleaseFailed("a", "busy"))[-1].__class__.__name__ == "WakeAt"
        while not host.releasing:
            host.wait(1)
    pauses_s = [later - earlier for earlier, later in itertools.pairwise(times_s)]
    assert pauses_s == [1, 2, 4, 8, 16, 32, *[LONGEST_PAUSE_S] * 3]
    host.removed("a")
    assert host.sandboxes.pool.sandboxes == {}


def test_a_container_of_somebody_else_that_is_attached_goes_with_its_program_beyond_all_budgets() -> None:
    host = Host(count=1)
    host.want("a", "p")
    host.send(events.Attached("theirs", "p"))
    host.send(events.Attached("theirs", "q"))  # it is p's
    assert host.over("q") == []
    host.prepared("a")
    host.need("a")
    assert set(host.over("p")) == {events.Release("theirs"), events.Release("a")}
    host.removed("theirs")
    host.removed("a")
    assert host.sandboxes.pool.sandboxes == {}


@pytest.mark.parametrize("state", ["ready", "in use", "idle"])
def test_a_sandbox_that_vanishes_is_forgotten(state: str) -> None:
    host = Host()
    host.want("a")
    host.prepared("a")
    if state == "in use":
        host.need("a")
    if state == "idle":
        host.over()
    del host.existing["a"]
    host.owner.pop("a", None)
    host.send(events.Vanished("a"))
    assert host.sandboxes.pool.sandboxes == host.sandboxes.pool.wants == {}
    assert host.over() == []


def test_one_that_vanishes_while_it_is_prepared_or_removed_is_left_to_whoever_does_that() -> None:
    host = Host()
    host.want("a")
    host.send(events.Vanished("a"))
    assert host.status("a") is Status.PREPARING
    host.send(events.Vanished("unknown"))


def test_when_the_owner_ends_everything_goes_and_nothing_is_prepared_any_more() -> None:
    host = Host(preparing=2)
    for name in ("used", "idle", "preparing", "waiting"):
        host.want(name, name, Spec(name))
        if name in ("used", "idle"):
            host.prepared(name)
    host.need("used")
    host.over("idle")
    host.send(events.ShutDown())
    assert sorted(host.releasing) == ["idle", "used"]
    host.prepared("preparing")
    host.prepared("waiting") if "waiting" in host.preparing else None
    for name in list(host.releasing):
        host.removed(name)
    assert host.sandboxes.pool.sandboxes == {}
    host.want("late", "late")
    refused = host.refused("late")
    assert refused is not None and "shutting down" in refused.reason


def test_events_of_what_is_not_known_change_nothing() -> None:
    host = Host()
    for event in (events.Needed("x"), events.ProgramOver("x"), events.Expected("x", (1.0,)), events.Released("x")):
        assert host.send(event) == []


def test_an_answer_that_does_not_fit_is_an_error_that_names_both() -> None:
    host = Host()
    host.want("a")
    host.prepared("a")
    with pytest.raises(IllegalSandboxStep, match="'a' in state ready has no step prepared"):
        host.sandboxes.handle(events.Prepared("a"), 0.0)


def test_what_a_program_does_not_want_any_more_goes_and_the_rest_stays() -> None:
    host = Host()
    for name in "ab":
        host.want(name)
        host.prepared(name)
        host.need(name)
    assert host.unwanted("a") == [events.Release("a")]
    assert host.status("b") is Status.IN_USE
    assert host.unwanted("a") == [], "once"
    assert host.over() == [events.Release("b")]


def test_one_that_is_not_wanted_before_its_preparation_begins_is_never_prepared() -> None:
    host = Host(preparing=1)
    host.want("a", "p")
    host.want("b", "q")
    host.unwanted("b")
    host.prepared("a")
    assert host.preparing == {}
    assert set(host.sandboxes.pool.sandboxes) == {"a"}


@pytest.mark.parametrize("when", ["preparing", "ready"])
def test_one_that_is_not_wanted_any_more_before_it_was_used_is_for_others(when: str) -> None:
    host = Host()
    host.want("a", "p")
    if when == "ready":
        host.prepared("a")
    host.unwanted("a")
    assert host.releasing == []
    if when == "preparing":
        host.prepared("a")
    host.want("b", "q")
    host.need("b")
    assert host.handed_out("b") == "a"


def test_a_container_of_somebody_else_that_its_program_does_not_want_goes() -> None:
    host = Host()
    host.send(events.Attached("theirs", "p"))
    assert host.unwanted("theirs") == [events.Release("theirs")]
