"""Programs, engines and the scheduler together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import pytest

from tests.simulation.support import POLICIES, SPEC, begin, ended, lasting, script
from thunderagent.core import (
    BackendLeft,
    CapPolicy,
    DefaultPolicy,
    Event,
    Limits,
    Policy,
    ThunderPolicy,
    TimerFired,
    TrPolicy,
    WeightSyncBegan,
)
from thunderagent.simulation.catalogue import LOST_CLIENTS, PARALLEL, RL_BATCH, SEARCH
from thunderagent.simulation.driver import GIVING_UP_S, Driver
from thunderagent.simulation.faults import Death, Faults
from thunderagent.simulation.script import Script, ScriptedTurn
from thunderagent.simulation.workloads import ProgramSource, scripts

EVERY_POLICY = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
SMALL_PARALLEL = replace(SEARCH, name="small-parallel", beside_share=PARALLEL.beside_share, beside=PARALLEL.beside)
SMALL_LOST = replace(SEARCH, name="small-lost", lost_share=LOST_CLIENTS.lost_share)
SMALL_GROUPS = replace(SEARCH, name="small-groups", group_size=RL_BATCH.group_size, prefix_tokens=300)


def test_a_lone_program_takes_the_time_of_its_turns_and_tools() -> None:
    driver = begin(Driver(DefaultPolicy(), [SPEC]), script("a"))
    driver.run(math.inf)

    first, second = driver.finished_turns
    assert first.cached_tokens == 0
    assert second.prompt_tokens == 900 + 101 + 60
    assert second.cached_tokens == 992  # the KV of the last token of an answer is never computed: whole blocks of 1,000 tokens
    prefill_s = (900 + 69) / 9_000
    assert driver.agenda.now_s == pytest.approx(3.0 + 152 * 0.02 + prefill_s, abs=0.02)
    assert driver.scheduler.programs == {}


@EVERY_POLICY
@pytest.mark.parametrize("source", [SEARCH, SMALL_PARALLEL, SMALL_LOST, SMALL_GROUPS], ids=lambda source: source.name)
def test_every_policy_finishes_every_program_and_is_consistent_on_the_way(
    policy: Callable[[], Policy], source: ProgramSource
) -> None:
    forty = list(islice(scripts(source, 1), 40))
    driver = begin(Driver(policy(), [SPEC, SPEC], successors=forty[30:]), *forty[:30])
    for until_s in range(10, 5_000, 10):
        driver.run(until_s)
        driver.scheduler.check_invariants()

    assert len(ended(driver)) == 40
    assert set(driver.scheduler.programs) <= {script.program_id for script in forty if not script.released}
    assert len(driver.finished_turns) == sum(1 + turn.beside for script in forty for turn in script.turns)


@EVERY_POLICY
def test_every_policy_is_consistent_whatever_goes_wrong(policy: Callable[[], Policy]) -> None:
    faults = Faults(
        deaths=(Death(0, 20.0, 15.0), Death(1, 30.0, 10.0)),
        silent_from_s=40.0,
        silent_until_s=60.0,
        capacity_factor=1.3,
        token_factor=0.7,
    )
    driver = Driver(policy(), [SPEC, SPEC], successors=islice(scripts(SMALL_PARALLEL, 2), 20, 40), faults=faults)
    begin(driver, *islice(scripts(SMALL_PARALLEL, 2), 20))
    for until_s in range(2, 2_000, 2):
        driver.run(until_s)
        driver.scheduler.check_invariants()

    assert len(ended(driver)) == 40
    assert not driver.outcome().programs_refused


def test_the_next_begins_when_a_program_is_over_and_none_after_the_last() -> None:
    driver = begin(Driver(DefaultPolicy(), [SPEC], successors=[script("b"), script("c")]), script("a"))
    driver.run(math.inf)

    programs = driver.programs
    assert ended(driver) == ["a", "b", "c"]
    assert [one.began_s for one in programs[1:]] == [one.ended_s for one in programs[:-1]]


def test_successors_are_drawn_as_they_are_needed_only() -> None:
    feed = scripts(SEARCH, 1)
    driver = begin(Driver(DefaultPolicy(), [SPEC], successors=feed), next(feed))
    driver.run(5.0)

    assert [one.script.program_id for one in driver.programs] == [f"search-{index}" for index in range(len(driver.programs))]
    assert next(feed).program_id == f"search-{len(driver.programs)}"


def test_a_program_begins_when_it_is_told_to() -> None:
    driver = Driver(DefaultPolicy(), [SPEC])
    driver.begin(script("late"), 50.0)
    driver.begin(script("early"), 7.0)
    driver.run(math.inf)

    assert [(one.script.program_id, one.began_s) for one in driver.programs] == [("early", 7.0), ("late", 50.0)]


def test_a_simulation_that_goes_on_is_the_same_as_one_that_never_stopped() -> None:
    whole, parts = (begin(Driver(ThunderPolicy(), [SPEC]), *islice(scripts(SEARCH, 1), 12)) for _ in range(2))
    whole.run(60.0)
    for until_s in range(1, 61):
        parts.run(float(until_s))

    assert parts.finished_turns == whole.finished_turns


def test_samples_of_a_group_find_their_prompt_cached() -> None:
    sample = ScriptedTurn(3_000, 10, "", 0.0)
    first, second = (Script(name, (sample,), group="prompt", shared_tokens=3_000) for name in "ab")
    driver = begin(Driver(DefaultPolicy(), [SPEC], successors=[second]), first)
    driver.run(math.inf)

    assert [turn.cached_tokens for turn in driver.finished_turns] == [0, 2_992]


def test_programs_find_their_system_prompt_cached_and_a_cut_context_only_what_was_kept() -> None:
    cut = ScriptedTurn(500, 10, "", 0.0, kept_tokens=1_600)
    programs = [Script(name, (ScriptedTurn(3_000, 10, "sum", 1.0), cut), prefix="system", prefix_tokens=1_000) for name in "ab"]
    driver = begin(Driver(DefaultPolicy(), [SPEC], successors=programs[1:]), programs[0])
    driver.run(math.inf)

    assert [turn.cached_tokens for turn in driver.finished_turns] == [0, 1_600, 992, 1_600]


def test_the_tool_runs_when_all_parallel_calls_are_over() -> None:
    driver = begin(
        Driver(CapPolicy(programs_per_backend=4), [replace(SPEC, max_running=2)]),
        script("p", ScriptedTurn(900, 100, "join", 5.0, beside=3), ScriptedTurn(60, 10, "", 0.0)),
    )
    driver.run(math.inf)

    *calls, last = driver.finished_turns
    assert [turn.beside for turn in calls] == [False, True, True, True]
    assert [turn.arrived_s for turn in calls] == [0.0] * 4
    assert max(turn.ended_s for turn in calls) > 1.5 * min(turn.ended_s for turn in calls)  # two at a time
    assert last.arrived_s == max(turn.ended_s for turn in calls) + 5.0
    assert last.prompt_tokens == 900 + 100 + 60
    assert last.cached_tokens == 992


def test_a_lost_client_is_never_released_and_the_next_begins_all_the_same() -> None:
    lost = replace(script("lost"), released=False)
    driver = begin(Driver(ThunderPolicy(), [SPEC], successors=[script("next")]), lost)
    driver.run(math.inf)

    assert ended(driver) == ["lost", "next"]
    assert set(driver.scheduler.programs) == {"lost"}


def test_a_hint_about_a_client_that_was_lost_long_ago_frees_its_blocks() -> None:
    limits = Limits(idle_ttl_s=60.0)
    driver = Driver(ThunderPolicy(hints=True), [SPEC], limits=limits)
    begin(driver, replace(script("lost", ScriptedTurn(16_000, 10, "", 0.0)), released=False))
    driver.begin(script("later", ScriptedTurn(160, 10, "bash", 200.0), ScriptedTurn(16, 10, "", 0.0)), 10.0)
    cached: list[float] = []
    for until_s in (50.0, 100.0):
        driver.run(until_s)
        engine = driver.stations["engine-0"].engine
        engine.submit_chain("look", driver.programs[0].own_chain(16)[0], 16_000, 10, driver.agenda.now_s)
        engine.step(driver.agenda.now_s)
        cached.append(engine.cached_tokens("look"))
        engine.abort("look")

    assert cached == [15_984, 0]


def test_hints_make_an_engine_evict_what_the_scheduler_gave_up() -> None:
    fillers = [lasting(f"filler-{index}", context_tokens=7_000, answer_tokens=1_000) for index in range(4)]
    idle = script("idle", ScriptedTurn(6_000, 10, "test", 400.0), ScriptedTurn(100, 10, "", 0.0))
    demoted: list[tuple[str, int]] = []
    driver = begin(Driver(ThunderPolicy(hints=True), [SPEC]), idle)
    station = driver.stations["engine-0"]
    demote = station.engine.demote

    def noted(chain: list[int], keep_blocks: int = 0) -> int:
        demoted.append(("idle" if chain[0] == driver.programs[0].own_chain(16)[0][0] else "other", keep_blocks))
        return demote(chain, keep_blocks)

    station.engine.demote = noted  # type: ignore[assignment, method-assign]
    for number, filler in enumerate(fillers):
        driver.begin(filler, 5.0 + number)
    driver.run(200.0)

    assert demoted == [("idle", 0)]


def test_an_engine_with_a_priority_queue_serves_by_the_scheduler_s_order() -> None:
    spec = replace(SPEC, queue="priority", max_running=1)
    driver = Driver(DefaultPolicy(), [spec])
    begin(driver, script("old", ScriptedTurn(100, 50, "bash", 1.5), ScriptedTurn(20, 50, "", 0.0)))
    begin(driver, *(lasting(f"young-{index}", answer_tokens=100) for index in range(4)))
    driver.run(math.inf)

    assert ended(driver)[0] == "old"
    served = [driver.programs[turn.program].script.program_id for turn in driver.finished_turns]
    assert served == ["old", "young-0", "old", "young-1", "young-2", "young-3"]


# Refusals


def test_a_program_that_no_engine_can_hold_is_refused_and_the_next_begins() -> None:
    large = script("large", ScriptedTurn(40_000, 10, "", 0.0))
    driver = begin(Driver(ThunderPolicy(), [SPEC], successors=[script("small")]), large)
    driver.run(math.inf)

    assert [program.refused for program in driver.programs] == [True, False]
    assert driver.programs[1].began_s == GIVING_UP_S
    assert len(driver.finished_turns) == 2


@EVERY_POLICY
@pytest.mark.parametrize("answer_tokens", [10, 1_100])
def test_what_an_engine_itself_refuses_ends_its_program_and_no_other(policy: Callable[[], Policy], answer_tokens: int) -> None:
    grown = script("large", ScriptedTurn(31_000, 10, "bash", 1.0), ScriptedTurn(980, answer_tokens, "", 0.0))
    driver = begin(Driver(policy(), [SPEC], faults=Faults(capacity_factor=2.0)), grown, script("small"))
    driver.run(math.inf)
    driver.scheduler.check_invariants()

    assert ended(driver) == ["large", "small"]
    assert driver.programs[0].refused is (answer_tokens == 1_100)
    assert not driver.programs[1].refused
    assert driver.scheduler.programs == {}


def test_a_program_whose_parallel_calls_are_all_refused_counts_once() -> None:
    calls = script("calls", ScriptedTurn(40_000, 10, "", 0.0, beside=3))
    driver = begin(Driver(ThunderPolicy(), [SPEC]), calls, script("small"))
    driver.run(math.inf)

    outcome = driver.outcome()
    assert (outcome.programs_refused, outcome.programs_done) == (1, 1)
    assert outcome.open_turns == []


def test_programs_that_are_all_refused_do_not_stop_time() -> None:
    large = lasting("large", context_tokens=40_000)
    endless = (replace(large, program_id=f"large-{index}") for index in iter(int, 1))
    driver = begin(Driver(ThunderPolicy(), [SPEC], successors=endless), large)
    driver.run(30.0)

    assert driver.outcome().programs_refused == 30 / GIVING_UP_S


def test_turns_refused_for_now_are_asked_again_and_wait_all_the_while() -> None:
    limits = Limits(max_programs=1)
    driver = begin(Driver(DefaultPolicy(), [SPEC], limits=limits), script("a"), script("b"))
    driver.run(4.0)
    lasting_waits_s = driver.outcome().lasting_waits_s
    driver.run(math.inf)

    assert lasting_waits_s == [4.0]
    assert ended(driver) == ["a", "b"]
    assert not driver.outcome().programs_refused
    assert driver.outcome().wait_s(1.0) >= 5.0


# Faults


def test_turns_on_an_engine_that_leaves_are_asked_again_elsewhere() -> None:
    driver = begin(Driver(ThunderPolicy(), [SPEC, SPEC]), *(script(name) for name in "abcd"))
    driver.run(1.0)
    driver.tell(BackendLeft("engine-0"))
    driver.run(math.inf)

    assert len(ended(driver)) == 4
    assert driver.stations["engine-0"].engine.running == 0
    assert {turn.engine for turn in driver.finished_turns} == {"engine-1"}


def test_an_engine_that_died_comes_back_empty() -> None:
    faults = Faults(deaths=(Death(0, 4.0, 20.0),))
    driver = begin(Driver(DefaultPolicy(), [SPEC], faults=faults), script("a"))
    driver.run(math.inf)

    first, second = driver.finished_turns
    assert first.ended_s < 4.0
    assert second.admitted_s >= 24.0
    assert second.cached_tokens == 0
    assert second.wait_s >= 20.0 - 3.0


def test_what_is_served_while_an_engine_dies_is_asked_again_and_its_wait_counts_from_its_first_arrival() -> None:
    faults = Faults(deaths=(Death(0, 10.01, 20.0),))  # within a step
    driver = begin(Driver(DefaultPolicy(), [SPEC], faults=faults), lasting("a", answer_tokens=1_000))
    driver.run(math.inf)

    (turn,) = driver.finished_turns
    assert turn.arrived_s == 0.0
    assert turn.admitted_s == pytest.approx(30.01)
    assert turn.ended_s == pytest.approx(turn.admitted_s + 1_000 * 0.02, abs=0.2)


def test_tokens_of_the_step_in_which_an_engine_died_never_arrive() -> None:
    faults = Faults(deaths=(Death(0, 0.025, 20.0),))
    driver = begin(Driver(DefaultPolicy(), [SPEC], faults=faults), lasting("a", context_tokens=16, answer_tokens=2))
    driver.run(math.inf)

    (turn,) = driver.finished_turns  # the second and last token was to come at 0.04 s
    assert turn.ended_s > 20.0


def test_an_engine_that_tells_no_usage_is_served_all_the_same() -> None:
    told, silent = (
        begin(Driver(ThunderPolicy(), [SPEC], faults=faults), *islice(scripts(SEARCH, 1), 6))
        for faults in (Faults(), Faults(silent_from_s=0.0))
    )
    for driver in (told, silent):
        driver.run(2.5)
    contexts = [
        sorted(program.exact_prompt_tokens for program in driver.scheduler.programs.values()) for driver in (told, silent)
    ]
    silent.run(math.inf)

    assert any(contexts[0])
    assert not any(contexts[1])
    assert len(ended(silent)) == 6


def test_the_scheduler_is_told_a_wrong_capacity_and_wrong_tokens() -> None:
    faults = Faults(capacity_factor=0.5, token_factor=1.5)
    driver = begin(Driver(ThunderPolicy(), [SPEC], faults=faults), lasting("a", context_tokens=1_000))
    driver.run(1.0)

    assert driver.scheduler.ledger.backends["engine-0"].capacity_tokens == 16_000
    assert driver.scheduler.programs["a"].context_tokens == 1_500


def test_a_host_tier_without_bounds_is_not_told_to_the_scheduler() -> None:
    for host_tokens, told in ((math.inf, 0), (64_000, 64_000)):
        driver = Driver(ThunderPolicy(), [replace(SPEC, host_capacity_tokens=host_tokens)])
        assert driver.scheduler.ledger.backends["engine-0"].host_tokens == told


# What is measured


def test_what_was_before_the_window_does_not_count() -> None:
    driver = begin(Driver(DefaultPolicy(), [SPEC]), script("a"))
    driver.run(3.0)
    before = driver.outcome()
    driver.begin_window()
    driver.run(math.inf)
    after = driver.outcome()

    assert (len(before.turns), len(after.turns)) == (1, 1)
    assert (before.since_s, before.until_s, after.since_s) == (0.0, 3.0, 3.0)
    assert after.turns_per_hour == pytest.approx(3600 / (driver.agenda.now_s - 3.0))


def test_work_done_again_counts_within_the_window_only() -> None:
    crowd = [
        script(
            str(index), ScriptedTurn(9_000, 100, "bash", 8.0), ScriptedTurn(100, 100, "bash", 8.0), ScriptedTurn(9, 9, "", 0.0)
        )
        for index in range(6)
    ]
    driver = begin(Driver(DefaultPolicy(), [SPEC]), *crowd)
    driver.run(20.0)
    early = driver.outcome().reprefilled_tokens
    driver.begin_window()
    fresh = driver.outcome().reprefilled_tokens
    driver.run(math.inf)

    total = driver.stations["engine-0"].engine.counters.reprefilled_tokens
    assert early > 0
    assert fresh == 0
    assert driver.outcome().reprefilled_tokens == total - early > 0


def test_preemptions_of_an_engine_that_overfills_itself_are_counted() -> None:
    growing = [lasting(str(index), context_tokens=7_000, answer_tokens=2_000) for index in range(4)]
    driver = begin(Driver(DefaultPolicy(), [SPEC]), *growing)
    driver.run(math.inf)

    assert driver.outcome().preemptions > 0


def test_waits_that_still_last_count() -> None:
    driver = begin(Driver(CapPolicy(programs_per_backend=1), [SPEC]), *(lasting(name, context_tokens=9_000) for name in "abcde"))
    driver.run(20.0)
    outcome = driver.outcome()

    assert outcome.turns == []
    assert outcome.turns_per_hour == 0.0
    assert outcome.lasting_waits_s == [20.0] * 4
    assert [turn.admitted_s for turn in outcome.open_turns] == [0.0, None, None, None, None]
    assert outcome.wait_s(1.0) == 20.0


def test_nothing_measured_is_no_error() -> None:
    outcome = Driver(DefaultPolicy(), [SPEC]).outcome()

    assert (outcome.turns_per_hour, outcome.hit_rate, outcome.wait_s(0.99), outcome.group_ends_s()) == (0.0, 0.0, 0.0, [])
    assert (outcome.fairness(), outcome.imbalance, outcome.programs_done) == (1.0, 1.0, 0)


def test_a_simulation_without_programs_is_over_at_once() -> None:
    driver = Driver(TrPolicy.published(), [SPEC])
    driver.run(math.inf)

    assert driver.agenda.now_s == 0.0


# What the scheduler is told


def test_the_scheduler_knows_what_programs_share() -> None:
    shares = [Script(name, (ScriptedTurn(3_000, 900, "", 0.0),), prefix="system", prefix_tokens=1_000) for name in "ab"]
    driver = begin(Driver(DefaultPolicy(), [SPEC], faults=Faults(token_factor=1.5)), *shares)
    driver.run(1.0)

    assert driver.scheduler.ledger.backends["engine-0"].shared_tokens == 1_500


def test_the_scheduler_knows_when_a_prefill_is_over_and_which_tool_runs() -> None:
    driver = begin(Driver(DefaultPolicy(), [SPEC]), script("a"))
    driver.run(1.0)
    (turn,) = driver.scheduler.programs["a"].running
    assert turn.first_token_s == pytest.approx(900 / 9_000 + 0.02, abs=0.001)
    driver.run(4.0)

    assert driver.scheduler.programs["a"].tool == "bash"


def test_a_turn_that_an_engine_refuses_does_not_run_for_the_scheduler() -> None:
    lost = replace(script("lost", ScriptedTurn(32_000, 10, "", 0.0)), released=False)
    driver = begin(Driver(DefaultPolicy(), [SPEC]), lost)
    driver.run(math.inf)

    assert driver.programs[0].refused
    assert driver.scheduler.programs["lost"].running == []


class Recording(Driver):
    """Keeps when timers fired."""

    def __init__(self, policy: Policy, limits: Limits) -> None:
        self.fired_s: list[float] = []
        super().__init__(policy, [SPEC], limits=limits)

    def tell(self, event: Event) -> None:
        if isinstance(event, TimerFired):
            self.fired_s.append(self.agenda.now_s)
        super().tell(event)


def test_a_time_that_the_scheduler_asks_for_replaces_the_one_before() -> None:
    driver = Recording(DefaultPolicy(), Limits(idle_ttl_s=10.0, max_sync_s=2.0))
    begin(driver, script("a", ScriptedTurn(9, 50, "bash", 30.0), ScriptedTurn(9, 10, "", 0.0)))
    driver.run(3.0)  # it is to be forgotten 11 s after the start
    driver.tell(WeightSyncBegan())  # and this, by then given up, asks for an earlier time
    driver.run(20.0)

    assert driver.fired_s == pytest.approx([5.0, 11.0], abs=0.01)
