"""``default`` passes everything through."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import BackendJoined, BackendLeft, DefaultPolicy, HealthChanged, TurnCancelled


def test_default_admits_everything_at_once_and_stays_where_it_was() -> None:
    driver = Driver(DefaultPolicy(), a=100, b=100)
    first, second = driver.arrive("p", 90), driver.arrive("q", 90)
    assert {driver.admitted_to(first), driver.admitted_to(second)} == {"a", "b"}
    driver.end(first, 90)
    assert driver.admitted_to(driver.arrive("p", 5_000)) == driver.admitted_to(first)


def test_with_least_loaded_routing_each_turn_goes_where_the_fewest_run() -> None:
    driver = Driver(DefaultPolicy("least-loaded"), a=100, b=100)
    first = driver.arrive("p", 10)
    driver.end(first, 10)
    other = driver.arrive("q", 10)

    assert (driver.admitted_to(first), driver.admitted_to(other)) == ("a", "a")
    assert driver.admitted_to(driver.arrive("p", 20)) == "b"


def test_with_prefix_affinity_a_program_goes_back_and_its_group_comes_along() -> None:
    driver = Driver(DefaultPolicy("prefix-affinity"), a=100, b=100)
    first = driver.arrive("p", 10, group="g")

    assert driver.admitted_to(driver.arrive("q", 10, group="g")) == driver.admitted_to(first)
    driver.end(first, 10)
    assert driver.admitted_to(driver.arrive("p", 20, group="g")) == driver.admitted_to(first)


def test_affinity_gives_way_where_too_many_run() -> None:
    driver = Driver(DefaultPolicy("prefix-affinity"), a=100, b=100)
    homes = [driver.admitted_to(driver.arrive(f"p{i}", 10, group="g")) for i in range(66)]

    assert set(homes[:65]) == {homes[0]}
    assert homes[65] != homes[0]


def test_default_refuses_nothing_for_its_size() -> None:
    driver = Driver(DefaultPolicy(), a=100)
    assert driver.admitted_to(driver.arrive("p", 1_000_000)) == "a"


def test_a_new_program_goes_where_the_fewest_are() -> None:
    driver = Driver(DefaultPolicy(), a=100, b=100, c=None)
    assert sorted(str(driver.admitted_to(driver.arrive(f"p{i}", 5_000))) for i in range(6)) == ["a", "a", "b", "b", "c", "c"]
    assert driver.scheduler.policy.largest_prompt_tokens(driver.scheduler.ledger) is None
    assert driver.scheduler.policy.free_tokens(driver.backend(), 0.0) == float("inf")
    assert driver.scheduler.policy.keeps_marked(driver.backend(), 0.0)


def test_a_program_goes_back_to_its_backend_when_that_is_healthy_again() -> None:
    driver = Driver(DefaultPolicy(), a=100, b=100)
    driver.send(TurnCancelled(driver.arrive("p", 10)))
    driver.send(HealthChanged("a", False))
    driver.send(HealthChanged("b", False))
    assert driver.refusal(driver.arrive("p", 10)) is not None
    driver.send(BackendLeft("a"))
    driver.send(BackendJoined("a", 100))
    driver.arrive("q", 10)
    driver.send(HealthChanged("b", True))
    assert driver.admitted_to(driver.arrive("p", 10)) == "a"
