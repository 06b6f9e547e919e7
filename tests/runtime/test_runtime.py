"""The runtime: turns wait, run and always end; time is simulated, nothing sleeps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from thunderagent.core import DefaultPolicy, Limits, Status, TrPolicy, Usage, measure
from thunderagent.errors import BackendLost, TurnRefused
from thunderagent.runtime import EngineTiming, Runtime, StepProfile


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Fixture:
    """A runtime with one backend of 10,000 tokens and a clock that moves by hand."""

    def __init__(self, policy: Any = None, limits: Limits | None = None) -> None:
        self.clock = Clock()
        self.steps: list[StepProfile] = []
        self.runtime = Runtime(
            policy or TrPolicy(), limits=limits, clock=self.clock, wall_clock=lambda: 1e9, on_step=self.steps.append
        )
        self.runtime.add_backend("a", 10_000)

    async def turn(self, program_id: str, prompt: int, completion: int = 10, took_s: float = 1.0) -> str:
        async with self.runtime.turn(program_id, prompt_tokens=prompt) as turn:
            self.clock.now_s += took_s
            turn.finish(Usage(prompt, completion, prompt // 2))
            return turn.backend


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_turn_with_room_runs_at_once_and_is_profiled() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        assert await fixture.turn("p", 1_000) == "a"
        fixture.clock.now_s += 3.0
        await fixture.turn("p", 1_100, took_s=2.0)

    asyncio.run(scenario())
    first, second = fixture.steps
    assert (first.step_id, first.tool_call_s, first.decode_s, first.kv_hit_rate) == (1, 0.0, 1.0, 0.5)
    assert (second.step_id, second.tool_call_s, second.decode_s) == (2, 3.0, 2.0)
    assert second.reprefilled_tokens == 1_010 - 550
    assert second.completed_at == 1e9
    assert second.arrived_at == 1e9 - 2.0
    assert fixture.runtime.totals.steps == 2


def test_a_turn_without_room_waits_until_a_program_is_released_and_its_wait_is_measured() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        await fixture.turn("p", 8_000)
        async with fixture.runtime.turn("p", prompt_tokens=8_000) as running:
            waiting = asyncio.create_task(fixture.turn("q", 6_000))
            await settle()
            assert not waiting.done()
            assert fixture.runtime.snapshot()["waiting_turns"] == 1
            fixture.clock.now_s += 7.0
            running.finish(Usage(8_000, 1))
            fixture.runtime.release("p")
            assert await waiting == "a"

    asyncio.run(scenario())
    assert [step.pause_s for step in fixture.steps if step.program_id == "q"] == [7.0]


def test_engine_timing_and_first_tokens_split_the_time_of_a_turn() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        async with fixture.runtime.turn("p", prompt_tokens=100) as turn:
            turn.finish(Usage(100, 10), EngineTiming(queue_s=0.5, prefill_s=1.5, decode_s=2.5), tool="bash")
        async with fixture.runtime.turn("p", prompt_tokens=120) as turn:
            fixture.clock.now_s += 2.0
            turn.first_token()
            fixture.clock.now_s += 3.0
            turn.finish(Usage(120, 10))

    asyncio.run(scenario())
    told, streamed = fixture.steps
    assert (told.queue_s, told.prefill_s, told.decode_s) == (0.5, 1.5, 2.5)
    assert (streamed.queue_s, streamed.prefill_s, streamed.decode_s) == (None, 2.0, 3.0)
    assert told.kv_hit_rate is None
    assert (told.tool, streamed.tool) == ("bash", "")


def test_an_exception_inside_a_turn_ends_it_as_failed_and_reaches_the_caller() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        with pytest.raises(ZeroDivisionError):
            async with fixture.runtime.turn("p", prompt_tokens=100):
                raise ZeroDivisionError

    asyncio.run(scenario())
    assert fixture.steps[0].outcome == "failed"
    assert fixture.runtime.scheduler.programs["p"].status is Status.ACTING
    assert fixture.runtime.totals.failed_steps == 1


def test_cancelling_a_waiting_turn_leaves_no_trace() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        await fixture.turn("p", 8_000)
        waiting = asyncio.create_task(fixture.turn("q", 6_000))
        async with fixture.runtime.turn("p", prompt_tokens=8_000):
            await settle()
            waiting.cancel()
            await settle()
        assert waiting.cancelled()

    asyncio.run(scenario())
    assert set(fixture.runtime.scheduler.programs) == {"p"}
    assert fixture.runtime.scheduler.waiting_turns == 0
    assert [step.program_id for step in fixture.steps] == ["p", "p"]


def test_cancelling_a_running_turn_ends_it_as_cancelled() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        async def forever() -> None:
            async with fixture.runtime.turn("p", prompt_tokens=100) as turn:
                await turn.run(asyncio.get_running_loop().create_future())

        task = asyncio.create_task(forever())
        await settle()
        task.cancel()
        await settle()
        assert task.cancelled()

    asyncio.run(scenario())
    assert fixture.steps[0].outcome == "cancelled"
    assert fixture.runtime.scheduler.programs["p"].status is Status.ACTING


def test_a_turn_cancelled_in_the_moment_of_its_admission_gives_its_room_back() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        await fixture.turn("p", 8_000)
        waiting = asyncio.create_task(fixture.turn("q", 6_000))
        async with fixture.runtime.turn("p", prompt_tokens=8_000):
            await settle()
        fixture.runtime.release("p")
        waiting.cancel()
        await settle()

    asyncio.run(scenario())
    backend = fixture.runtime.scheduler.ledger.backends["a"]
    assert backend.private_reasoning_tokens == 0
    fixture.runtime.scheduler.check_invariants()


def test_a_refused_turn_raises_with_the_reason_and_is_not_profiled() -> None:
    fixture = Fixture()
    with pytest.raises(TurnRefused, match="longer than the largest KV cache"):
        asyncio.run(fixture.turn("p", 20_000))
    assert fixture.steps == []


def test_a_turn_whose_backend_dies_raises_backend_lost_and_its_work_is_cancelled() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def ask() -> None:
            async with fixture.runtime.turn("p", prompt_tokens=100) as turn:
                await turn.run(answer)

        task = asyncio.create_task(ask())
        await settle()
        fixture.runtime.remove_backend("a")
        with pytest.raises(BackendLost):
            await task
        assert answer.cancelled()
        with pytest.raises(TurnRefused, match="no backend is up"):
            await fixture.turn("p", 100)
        fixture.runtime.remove_backend("a")

    asyncio.run(scenario())
    assert fixture.steps[0].outcome == "lost"


def test_a_weight_sync_holds_turns_back_until_its_end() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        fixture.runtime.begin_weight_sync()
        waiting = asyncio.create_task(fixture.turn("p", 100))
        await settle()
        assert not waiting.done()
        fixture.runtime.end_weight_sync()
        assert await waiting == "a"

    asyncio.run(scenario())


def test_a_turn_that_waited_too_long_is_admitted_by_the_runtimes_own_timer() -> None:
    fixture = Fixture(TrPolicy(max_wait_s=1e-9))

    async def scenario() -> None:
        async with fixture.runtime.turn("p", prompt_tokens=8_000):
            waiting = asyncio.create_task(fixture.turn("q", 6_000))
            await settle()
            fixture.clock.now_s += 1.0
            assert await asyncio.wait_for(waiting, timeout=5) == "a"

    asyncio.run(scenario())
    assert fixture.runtime.scheduler.counters.forced == 1


def test_a_failing_policy_degrades_to_pass_through_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(DefaultPolicy):
        def place(self, program: Any, ledger: Any) -> Any:
            raise RuntimeError("bug")

    fixture = Fixture(Broken())
    assert asyncio.run(fixture.turn("p", 100)) == "a"
    assert fixture.runtime.degraded
    assert "pass through unscheduled" in caplog.text
    fixture.runtime.remove_backend("a")
    with pytest.raises(TurnRefused):
        asyncio.run(fixture.turn("p", 100))


def test_a_later_capacity_of_a_known_backend_lets_waiting_turns_in() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        async with fixture.runtime.turn("p", prompt_tokens=8_000):
            waiting = asyncio.create_task(fixture.turn("q", 6_000))
            await settle()
            fixture.runtime.add_backend("a", 20_000)
            assert await waiting == "a"

    asyncio.run(scenario())


def test_the_snapshot_has_the_same_keys_before_and_after_and_only_numbers() -> None:
    fixture = Fixture()
    before = fixture.runtime.snapshot()
    asyncio.run(fixture.turn("p", 100))
    after = fixture.runtime.snapshot()
    assert before.keys() == after.keys()
    assert all(isinstance(value, int | float) for value in after.values())
    assert (before["steps"], after["steps"]) == (0, 1)
    assert after["kv_hit_rate"] == 0.5


def test_nothing_is_remembered_of_released_programs() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        for i in range(50):
            await fixture.turn(f"p{i}", 100)
            fixture.runtime.release(f"p{i}")

    asyncio.run(scenario())
    assert fixture.runtime.scheduler.programs == {}
    assert fixture.runtime._recorder._pasts == {}
    assert fixture.runtime._turns == {}


def test_a_release_tells_whether_anything_was_known() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        await fixture.turn("p", 100)
        fixture.runtime.begin_weight_sync()
        held = asyncio.create_task(fixture.turn("new", 100))
        await settle()
        assert [fixture.runtime.release(name) for name in ("p", "new", "nobody")] == [True, True, False]
        with pytest.raises(TurnRefused):
            await held
        assert [fixture.runtime.release(name) for name in ("p", "new")] == [False, False]

    asyncio.run(scenario())


def test_steps_are_counted_until_the_program_is_over() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        assert fixture.runtime.steps("p") == 0
        await fixture.turn("p", 100)
        await fixture.turn("p", 200)
        assert fixture.runtime.steps("p") == 2
        fixture.runtime.release("p")
        assert fixture.runtime.steps("p") == 0

    asyncio.run(scenario())


def test_how_old_the_schedulers_knowledge_is() -> None:
    runtime = Runtime(TrPolicy())
    assert runtime.since_event_s == 0.0
    fixture = Fixture()
    fixture.clock.now_s += 7.0
    assert fixture.runtime.since_event_s == 7.0


def test_a_prompt_whose_text_alone_is_known_is_estimated() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        messages = [{"role": "user", "content": "x" * 4_000}]
        async with fixture.runtime.turn("p", prompt=measure(messages), tool="bash", priority=1, prefix="s", prefix_tokens=10):
            program = fixture.runtime.scheduler.programs["p"]
            assert (program.context_tokens, program.priority, program.shared_tokens) == (1_000, 1, 10)

    asyncio.run(scenario())


def test_progress_health_and_lost_caches_reach_the_scheduler() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        async with fixture.runtime.turn("p", prompt_tokens=1_000) as turn:
            turn.progress(500)
            assert fixture.runtime.scheduler.programs["p"].context_tokens == 1_500
            turn.finish(Usage(1_000, 600), EngineTiming(0.0, 0.5, 1.0), tool="search")
            assert turn.usage == Usage(1_000, 600, prefill_s=0.5)
        assert fixture.runtime.scheduler.programs["p"].tool == "search"
        epoch = fixture.runtime.scheduler.ledger.backends["a"].epoch
        fixture.runtime.lose_cache("a")
        fixture.runtime.begin_weight_sync()
        fixture.runtime.end_weight_sync(kv_lost=True)
        assert fixture.runtime.scheduler.ledger.backends["a"].epoch == epoch + 2
        fixture.runtime.set_health("a", healthy=False)
        with pytest.raises(TurnRefused, match="no backend is up"):
            await fixture.turn("p", 1_700)
        fixture.runtime.add_backend("a", 10_000, host_tokens=5_000)
        assert fixture.runtime.scheduler.ledger.backends["a"].host_tokens == 5_000

    asyncio.run(scenario())


def test_a_backend_is_healthy_while_no_source_objects() -> None:
    fixture = Fixture()
    runtime = fixture.runtime
    backend = runtime.scheduler.ledger.backends["a"]

    def healthy_after(healthy: bool, source: str) -> bool:
        runtime.set_health("a", healthy=healthy, source=source)
        return backend.healthy

    async def scenario() -> None:
        assert healthy_after(True, "pages"), "who never objected takes nothing back"
        assert not healthy_after(False, "breaker")
        assert not healthy_after(False, "pages")
        assert not healthy_after(True, "breaker")
        assert not healthy_after(True, "breaker")
        assert healthy_after(True, "pages")

    asyncio.run(scenario())


def test_objections_are_forgotten_when_a_backend_leaves() -> None:
    fixture = Fixture()
    runtime = fixture.runtime

    async def scenario() -> None:
        runtime.set_health("a", healthy=False, source="pages")
        runtime.remove_backend("a")
        runtime.set_health("a", healthy=False, source="pages")
        assert runtime.scheduler.counters.late_events == 1, "of one that is gone"
        runtime.add_backend("a", 1_000)
        assert runtime.scheduler.ledger.backends["a"].healthy
        runtime.set_health("a", healthy=False)
        assert not runtime.scheduler.ledger.backends["a"].healthy

    asyncio.run(scenario())


def test_a_program_that_expires_is_forgotten_by_the_records_too() -> None:
    fixture = Fixture(limits=Limits(idle_ttl_s=0.5))

    async def scenario() -> None:
        await fixture.turn("p", 100)
        fixture.clock.now_s += 0.6
        fixture.runtime._timer_fired()
        assert fixture.runtime.scheduler.programs == {}

    asyncio.run(scenario())
    assert fixture.runtime._recorder._pasts == {}


def test_one_timer_stands_at_a_time() -> None:
    fixture = Fixture(TrPolicy(max_wait_s=60.0), Limits(idle_ttl_s=100.0))

    async def scenario() -> None:
        await fixture.turn("idle", 10)
        standing = fixture.runtime._timer
        assert standing is not None
        async with fixture.runtime.turn("p", prompt_tokens=8_000):
            waiting = asyncio.create_task(fixture.turn("q", 8_000))
            await settle()
            assert standing.cancelled()
            waiting.cancel()

    asyncio.run(scenario())


def test_a_turn_that_failed_is_nowhere_until_it_tries_again_and_goes_elsewhere_if_it_is_to() -> None:
    fixture = Fixture()
    fixture.runtime.add_backend("b", 10_000)

    async def scenario() -> None:
        async with (
            fixture.runtime.turn("p", prompt_tokens=1_000) as turn,
            fixture.runtime.turn("p", prompt_tokens=1_000) as other,
        ):
            for each in (turn, other):
                assert each.backend == "a"
                each.failed(elsewhere=True)
            assert not fixture.runtime.scheduler.programs["p"].running
            for each in (turn, other):
                await each.again()
                assert each.backend == "b"
                each.finish(Usage(1_000, 1))

    asyncio.run(scenario())
    assert [(step.outcome, step.backend) for step in fixture.steps] == [("completed", "b")] * 2
    assert fixture.runtime.scheduler.counters.late_events == 0


def test_a_turn_that_failed_and_is_given_up_is_accounted_once() -> None:
    fixture = Fixture()

    async def scenario() -> None:
        async with fixture.runtime.turn("p", prompt_tokens=1_000) as turn:
            turn.failed()
            turn.failed()

    asyncio.run(scenario())
    assert [step.outcome for step in fixture.steps] == ["failed"]
    assert fixture.runtime.scheduler.counters.late_events == 0


def test_a_turn_knows_its_priority_for_the_engine_only_while_it_is_admitted_by_the_scheduler() -> None:
    async def scenario() -> None:
        runtime = Runtime(DefaultPolicy())
        runtime.add_backend("a", 10_000)
        told = []
        for program, priority in (("first", 0), ("second", 0), ("urgent", -1), ("first", 5)):
            async with runtime.turn(program, prompt_tokens=10, priority=priority) as turn:
                assert turn.priority is not None
                told.append(turn.priority)
                turn.finish(Usage(10, 1))
        assert told[2] < told[0] == told[3] < told[1]  # the caller's, read with the first turn, then the order of birth
        async with runtime.turn("second", prompt_tokens=10) as turn:
            runtime.begin_weight_sync()
            again = asyncio.create_task(turn.again())
            await settle()
            assert turn.priority is None
            runtime.end_weight_sync()
            await again
            assert turn.priority == told[1]

    asyncio.run(scenario())
