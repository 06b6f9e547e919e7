"""Sandboxes of one fingerprint take each other's place."""

from __future__ import annotations

from tests.core.resources.host import Host
from thunderagent.core.resources import Spec, Status, events

REUSABLE = Spec("clean", reusable=True)


def used_once(host: Host, name: str = "a", spec: Spec = REUSABLE) -> None:
    host.want(name, name, spec)
    host.prepared(name)
    host.need(name)
    host.over(name)


def test_one_that_can_be_had_again_is_kept_for_the_next_program() -> None:
    host = Host()
    used_once(host)
    assert host.want("b", "q", REUSABLE) == []
    assert host.need("b") == [events.HandOut("b", "a", "q")]
    assert host.sandboxes.pool.wants["b"].reused


def test_one_that_was_used_and_cannot_be_had_again_goes() -> None:
    host = Host()
    used_once(host, spec=Spec("dirty"))
    assert host.releasing == ["a"]


def test_one_that_its_program_never_used_is_as_good_as_new() -> None:
    host = Host()
    host.want("a", "p")
    host.prepared("a")
    host.over("p")
    host.want("b", "q")
    host.need("b")
    assert host.handed_out("b") == "a"


def test_one_of_another_kind_is_not_taken() -> None:
    host = Host()
    used_once(host)
    host.want("b", "q", Spec("other"))
    assert set(host.preparing) == {"b"}


def test_one_that_becomes_idle_goes_to_whoever_waits_most_urgently_for_one_like_it() -> None:
    host = Host(count=1)
    host.want("a", "a", REUSABLE)
    host.prepared("a")
    host.need("a")
    host.want("later", "later", REUSABLE, rank=(2.0,))
    host.want("sooner", "sooner", REUSABLE, rank=(1.0,))
    host.need("sooner")
    host.over("a")
    assert host.handed_out("sooner") == "a"
    assert host.status("later") is Status.WANTED


def test_a_preparation_for_nobody_goes_to_the_next_program_that_wants_one_like_it() -> None:
    host = Host(preparing=1)
    host.want("a", "p")
    host.over("p")
    host.want("b", "q")
    host.need("b")
    assert host.prepared("a") == [events.HandOut("b", "a", "q")]


def test_a_preparation_for_nobody_that_nobody_wants_becomes_idle() -> None:
    host = Host()
    host.want("a", "p")
    host.over("p")
    host.prepared("a")
    assert [sandbox.id for sandbox in host.sandboxes.pool.idle] == ["a"]


def test_no_more_are_kept_than_the_budget_allows() -> None:
    host = Host(idle=1)
    for name in "ab":
        host.want(name, name)
        host.prepared(name)
    host.over("a")
    host.over("b")
    assert host.releasing == ["b"]


def test_the_last_used_is_taken_first_and_the_longest_idle_goes_when_its_time_is_over() -> None:
    host = Host(idle_ttl_s=10)
    for name in "ab":
        host.want(name, name, REUSABLE)
        host.prepared(name)
        host.need(name)
    host.over("a")
    host.wait(4)
    host.over("b")
    host.want("c", "c", REUSABLE)
    host.need("c")
    assert host.handed_out("c") == "b"
    host.wait(5.9)
    assert host.releasing == []
    host.wait(0.2)
    assert host.releasing == ["a"]


def test_without_a_time_limit_they_are_kept() -> None:
    host = Host(idle_ttl_s=None)
    used_once(host)
    assert host.wait(10_000) == []


def test_what_a_program_gives_back_at_its_end_is_not_handed_to_itself() -> None:
    host = Host(count=1)
    host.want("a", "p", REUSABLE)
    host.prepared("a")
    host.need("a")
    host.want("more", "p", REUSABLE)
    host.need("more")
    host.over("p")
    assert host.handed_out("more") is None
    assert [sandbox.id for sandbox in host.sandboxes.pool.idle] == ["a"]
