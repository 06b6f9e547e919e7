"""The control law of ``thunder``, rule by rule."""

from __future__ import annotations

import pytest

from tests.core.driver import Driver
from thunderagent.core import Admit, BackendJoined, Demote, KvResident, Status, ThunderPolicy, TurnCancelled
from thunderagent.core.policies.thunder import FIT_RANGE, PREFILL_TOKENS_PER_S


def driver(capacity: int | None = 10_000, **settings: object) -> Driver:
    settings = {"prefill_tokens_per_s": 1_000.0, "resume_below": 0.9, **settings}
    return Driver(ThunderPolicy(**settings), a=capacity)  # type: ignore[arg-type]


def teach(d: Driver, tool: str, duration_s: float) -> None:
    """Ten calls of a tool, by programs that are over afterwards."""
    for i in range(10):
        d.turn(f"teacher{i}", 1, tool=tool)
    d.wait(duration_s)
    for i in range(10):
        d.turn(f"teacher{i}", 1)
        d.release(f"teacher{i}")


def test_programs_wait_in_order_of_birth_even_when_a_later_one_would_fit() -> None:
    d = driver()
    d.turn("oldest", 5_000)
    running = d.arrive("running", 4_000)
    tiny = d.arrive("tiny", 3_000)
    assert d.parked(tiny)
    d.arrive("oldest", 6_500)
    d.end(running, 4_000)
    assert d.program("running").status is Status.PAUSED
    again = d.arrive("running", 4_100)
    d.release("oldest")
    assert d.admitted_to(again) == "a"
    admitted = [effect.turn_id for effect in d.kinds(Admit)]
    assert admitted.index(again) < admitted.index(tiny)


def test_admission_stops_below_the_capacity_and_shedding_starts_at_it() -> None:
    d = driver()
    d.turn("p", 5_000)
    assert d.parked(d.arrive("q", 4_001))
    d.release("q")
    turn = d.arrive("q", 4_000)
    assert d.admitted_to(turn) == "a"
    d.end(turn, 4_900)
    assert d.program("p").status is d.program("q").status is Status.ACTING
    d.turn("q", 5_001)
    assert d.program("p").status is Status.PAUSED


def test_the_smallest_programs_in_tool_calls_are_shed_and_no_more_than_needed() -> None:
    d = driver()
    for name, tokens in (("small", 1_000), ("middle", 2_000), ("large", 3_000)):
        d.turn(name, tokens)
    d.arrive("growing", 2_500)
    d.end(4, 4_800)
    statuses = {name: d.program(name).status for name in ("small", "middle", "large")}
    assert statuses == {"small": Status.PAUSED, "middle": Status.ACTING, "large": Status.ACTING}


def test_a_running_program_is_never_paused_or_marked_however_much_is_held() -> None:
    d = driver()
    d.arrive("p", 5_000)
    turn = d.arrive("q", 4_000)
    d.arrive("q", 30)
    d.wait(5.0)
    d.end(turn, 9_000)
    assert {p.status for p in d.scheduler.programs.values()} == {Status.REASONING}
    assert not any(p.marked for p in d.scheduler.programs.values())


def test_nothing_is_lent_while_nobody_waits() -> None:
    d = driver()
    d.turn("p", 5_000)
    d.wait(1_000.0)
    assert d.program("p").status is Status.ACTING


def test_a_call_that_outlasts_its_break_even_time_is_lent_at_once_to_who_waits() -> None:
    """Break-even: 1.25 x 10,000 tokens / 1,000 tokens per second = 12.5 s."""
    for duration_s, status in ((12.0, Status.ACTING), (13.0, Status.PAUSED)):
        d = driver()
        teach(d, "build", duration_s)
        d.turn("p", 5_000, tool="build")
        waiting = d.arrive("q", 6_000)
        assert d.program("p").status is status
        assert (d.admitted_to(waiting) == "a") == (status is Status.PAUSED)
        assert d.scheduler.counters.lent == (status is Status.PAUSED)


def test_a_client_that_died_is_noticed_by_its_silence() -> None:
    d = driver()
    d.turn("dead", 5_000)
    waiting = d.arrive("q", 6_000)
    assert d.parked(waiting)
    d.wait(12.0)
    assert d.parked(waiting)
    d.wait(5.0)
    assert d.admitted_to(waiting) == "a"


def test_the_prefill_speed_that_sets_the_break_even_time_is_measured() -> None:
    d = driver(prefill_tokens_per_s=None)
    policy = d.scheduler.policy
    assert isinstance(policy, ThunderPolicy)
    d.turn("p", 10)
    before_s = policy.break_even_s(d.backend())
    d.backend().undisturbed_tokens_per_s = 2 * PREFILL_TOKENS_PER_S
    assert policy.break_even_s(d.backend()) == pytest.approx(before_s / 2)


@pytest.mark.parametrize(("order", "first"), [("waiting", "young"), ("age", "old")])
def test_whoever_has_waited_longest_goes_first_or_the_oldest_program(order: str, first: str) -> None:
    d = driver(order=order)
    d.turn("holder", 5_000)
    running = d.arrive("old", 4_000)
    turns = {"young": d.arrive("young", 4_000)}
    d.arrive("holder", 6_500)
    d.end(running, 4_000)
    d.wait(1.0)
    turns["old"] = d.arrive("old", 5_500)
    d.release("holder")
    assert [name for name, turn in turns.items() if d.admitted_to(turn)] == [first]


def test_the_place_of_a_program_in_line_is_that_of_its_oldest_turn_that_still_waits() -> None:
    d = driver()
    d.turn("holder", 8_000)
    withdrawn = d.arrive("p", 5_000)
    d.wait(1.0)
    other = d.arrive("q", 5_000)
    d.wait(1.0)
    late = d.arrive("p", 5_000)
    d.send(TurnCancelled(withdrawn))
    d.release("holder")
    assert d.admitted_to(other) == "a"
    assert d.parked(late)


def test_where_the_capacity_is_unknown_everything_is_held() -> None:
    d = driver(None)
    d.turn("p", 5_000)
    policy = d.scheduler.policy
    assert isinstance(policy, ThunderPolicy)
    assert policy.break_even_s(d.backend()) == float("inf")
    assert d.admitted_to(d.arrive("q", 10**9)) == "a"
    assert policy.kv_is_likely_there(d.program("p"), d.backend())


def test_lent_caches_are_demoted_where_the_engine_takes_hints_and_more_is_admitted_then() -> None:
    d = driver(hints=True, resume_below=None)
    d.turn("p", 9_000)
    assert d.parked(d.arrive("q", 401))
    d.wait(60.0)
    assert d.kinds(Demote) == [Demote("p", "a")]


def test_half_the_host_tier_counts() -> None:
    d = driver(resume_below=None)
    policy = d.scheduler.policy
    assert isinstance(policy, ThunderPolicy)
    for host, budget in ((0, 10_000), (4_000, 12_000), (50_000, 35_000)):
        d.send(BackendJoined("a", 10_000, host))
        assert policy.budget_tokens(d.backend()) == budget
    assert policy.admit_below(d.backend()) == 0.9
    d.turn("p", 10)
    assert policy.break_even_s(d.backend()) == 20.0


def test_a_miss_on_held_kv_shrinks_the_capacity_and_full_hits_under_pressure_let_it_grow() -> None:
    d = driver(100_000)
    d.turn("p", 5_000)
    d.turn("p", 5_100, cached=0)
    shrunk = d.backend().fit
    assert shrunk == pytest.approx(0.95)
    d.turn("p", 5_200, cached=5_100)
    assert d.backend().fit == shrunk, "no pressure, nothing to learn"
    d.arrive("large", 80_000)
    d.arrive("waiting", 90_000)
    for _ in range(30):
        d.turn("p", 5_200, cached=5_200)
    assert d.backend().fit > shrunk
    d.release("waiting")
    d.release("large")
    for _ in range(100):
        d.turn("p", 5_200, cached=0)
    assert d.backend().fit == FIT_RANGE[0]


def test_a_miss_of_kv_that_eviction_by_recency_has_taken_says_nothing_of_the_capacity() -> None:
    d = driver()
    d.turn("p", 1_000)
    d.turn("q", 1_300, cached=0)
    d.turn("p", 1_100, cached=0)
    assert d.backend().fit == 1.0


def test_a_miss_of_less_than_a_block_or_of_what_is_shared_is_no_miss() -> None:
    d = driver()
    d.turn("p", 5_000)
    d.turn("p", 5_100, cached=4_970)
    assert d.backend().fit == 1.0


def test_a_program_goes_back_to_its_origin_while_its_kv_is_likely_there_else_where_most_is_free() -> None:
    for written, place in ((500, "a"), (10_100, "b")):
        d = driver()
        d.turn("p", 4_000)
        d.arrive("running", 4_500)
        d.turn("running2", 400)
        waiting = d.arrive("big", 4_800)
        d.wait(20.0)
        assert d.program("p").status is Status.PAUSED
        d.send(BackendJoined("b", 40_000))
        d.backend("a").written_tokens = d.program("p").written_mark + written
        d.release("big")
        d.release("running")
        assert d.admitted_to(d.arrive("p", 4_100)) == place
        assert waiting


@pytest.mark.parametrize(
    ("written", "told", "place"), [(500, 0, "b"), (500, 1_900, "b"), (10_100, 2_100, "a"), (10_100, None, "b"), (500, None, "a")]
)
def test_where_the_engine_tells_what_is_there_nothing_is_guessed(written: int, told: int | None, place: str) -> None:
    d = driver()
    d.turn("p", 4_000)
    d.arrive("running", 4_500)
    d.turn("running2", 400)
    d.arrive("big", 4_800)
    d.wait(20.0)
    d.send(BackendJoined("b", 40_000))
    d.backend("a").written_tokens = d.program("p").written_mark + written
    d.send(KvResident("p", "a", told))
    d.release("big")
    d.release("running")
    assert d.admitted_to(d.arrive("p", 4_000)) == place


def test_a_program_whose_siblings_have_finished_goes_first_where_groups_matter() -> None:
    for group_aware, expected in ((False, "h_0"), (True, "g_1")):
        d = driver(group_aware=group_aware)
        d.arrive("g_0", 100, "g")
        d.arrive("running", 8_000)
        waiting = {name: d.arrive(name, 7_000, name[0]) for name in ("h_0", "g_1")}
        d.release("g_0")
        d.release("running")
        assert [name for name, turn in waiting.items() if d.admitted_to(turn)] == [expected]


@pytest.mark.parametrize("capacity", [10_000, None])
def test_programs_that_share_a_start_spread_where_another_backend_has_more_room_even_with_it(capacity: int | None) -> None:
    d = driver(capacity)
    d.send(BackendJoined("b", capacity))
    placed = [d.admitted_to(d.arrive(f"p{i}", 3_000, prefix="system prompt", prefix_tokens=2_000)) for i in range(6)]
    assert sorted(map(str, placed)) == ["a", "a", "a", "b", "b", "b"]


@pytest.mark.parametrize("capacity", [10_000, None])
def test_samples_of_one_prompt_stay_together_while_they_have_nothing_of_their_own(capacity: int | None) -> None:
    d = driver(capacity)
    d.send(BackendJoined("b", capacity))
    placed = [{d.admitted_to(d.arrive(f"{group}_{i}", 3_000, group=group)) for i in range(4)} for group in ("g", "h")]
    assert placed == [{"a"}, {"b"}]
