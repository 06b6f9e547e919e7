"""What is kept of programs, when it is durable, and how it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.disk import Disk
from thunderagent.adapters.store import MemoryStore
from thunderagent.core import ThunderPolicy, Usage
from thunderagent.runtime import Runtime, Turn
from thunderagent.runtime.keeper import Keeper


def run(scenario: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scenario

    asyncio.run(bounded())


async def opened(store: MemoryStore, **capacities: int) -> tuple[Runtime, Keeper]:
    runtime = Runtime(ThunderPolicy())
    for backend_id, capacity in (capacities or {"a": 50_000}).items():
        runtime.add_backend(backend_id, capacity)
    keeper = Keeper(runtime, store, identity_of=lambda backend_id: [backend_id])
    await keeper.recover(await keeper.load())
    return runtime, keeper


async def a_turn(runtime: Runtime, program_id: str, tokens: int = 1_000) -> Turn:
    async with runtime.turn(program_id, prompt_tokens=tokens) as turn:
        turn.finish(Usage(tokens, 10))
    return turn


async def crash_and_restart(keeper: Keeper, store: MemoryStore, **capacities: int) -> tuple[Runtime, Keeper]:
    """What SIGKILL leaves: what was written."""
    assert keeper._task is not None
    keeper._task.cancel()
    return await opened(store, **capacities)


def test_programs_come_back_with_their_steps_and_totals() -> None:
    async def scenario() -> None:
        store = Disk()
        runtime, keeper = await opened(store)
        for _ in range(3):
            await a_turn(runtime, "p")
        await keeper.known("p")
        keeper.close()
        assert store.closed
        again, keeper = await opened(store)
        program = again.scheduler.programs["p"]
        assert program.backend is not None
        assert (program.context_tokens, again.steps("p")) == (1_010, 3)
        assert again.totals.prompt_tokens == 3_000
        assert again.totals.steps_per_min > 0
        assert again.scheduler.counters.turns == 3
        keeper.close()

    run(scenario())


def test_the_existence_of_a_program_is_waited_for_and_known_from_then_on() -> None:
    async def scenario() -> None:
        store = Disk()
        runtime, keeper = await opened(store)
        store.may_write.clear()
        async with runtime.turn("p", prompt_tokens=1_000) as turn:
            assert not keeper.knows("p")
            waits = asyncio.create_task(keeper.known("p"))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not waits.done()
            store.may_write.set()
            await waits
            assert keeper.knows("p")
            assert "p" in store.programs
            turn.finish(Usage(1_000, 10))
        runtime, keeper = await crash_and_restart(keeper, store)
        assert "p" in runtime.scheduler.programs
        assert keeper.knows("p")
        keeper.close()

    run(scenario())


def test_the_end_of_a_program_is_waited_for() -> None:
    async def scenario() -> None:
        store = Disk()
        runtime, keeper = await opened(store)
        await a_turn(runtime, "p")
        await keeper.known("p")
        runtime.release("p")
        await keeper.forgotten("p")
        assert store.programs == {}
        await keeper.forgotten("never there")
        runtime, keeper = await crash_and_restart(keeper, store)
        assert runtime.scheduler.programs == {}
        keeper.close()

    run(scenario())


def test_nobody_waits_for_the_existence_of_a_program_that_is_over() -> None:
    async def scenario() -> None:
        store = Disk()
        runtime, keeper = await opened(store)
        store.may_write.clear()
        await a_turn(runtime, "p")
        waits = asyncio.create_task(keeper.known("p"))
        await asyncio.sleep(0)
        runtime.release("p")
        store.may_write.set()
        await waits
        await keeper.forgotten("p")
        assert store.programs == {}
        keeper.close()

    run(scenario())


def test_changes_of_a_short_time_are_written_once_and_together() -> None:
    async def scenario() -> None:
        store = Disk()
        runtime, keeper = await opened(store)
        for _ in range(50):
            for name in ("p", "q"):
                await a_turn(runtime, name)
        await keeper.known("p")
        assert [len(changes.programs) for changes in store.writes] == [2]
        assert store.programs["q"].steps == 50
        keeper.close()

    run(scenario())


def test_programs_that_nobody_will_ask_for_again_are_not_kept() -> None:
    async def scenario() -> None:
        store = Disk()
        runtime, keeper = await opened(store)
        keeper.leave_out(lambda program_id: program_id.startswith("request-"))
        await a_turn(runtime, "request-1")
        runtime.release("request-1")
        await a_turn(runtime, "request-2")
        assert keeper.knows("request-2")
        await a_turn(runtime, "p")
        await keeper.known("p")
        assert set(store.programs) == {"p"}
        assert all(not changes.over for changes in store.writes)
        keeper.close()

    run(scenario())


def test_an_engine_that_is_another_process_holds_nothing() -> None:
    async def scenario() -> None:
        store = Disk()
        runtime, keeper = await opened(store)
        await a_turn(runtime, "p")
        await keeper.known("p")
        store.statistics = {**store.statistics, "processes": {"a": ["another one"]}}
        runtime, keeper = await crash_and_restart(keeper, store)
        program = runtime.scheduler.programs["p"]
        assert (program.backend, program.origin_id) == (None, "a")
        await a_turn(runtime, "q")
        await keeper.known("q")
        while store.programs["p"].program.held:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        keeper.close()

    run(scenario())


def test_programs_of_an_engine_that_answers_late_are_held_once_it_does() -> None:
    async def scenario() -> None:
        store = Disk()
        runtime, keeper = await opened(store, a=50_000, b=50_000)
        for name in ("p", "q"):
            await a_turn(runtime, name)
        await keeper.known("p")
        backends = {name: runtime.scheduler.programs[name].origin_id for name in ("p", "q")}
        assert set(backends.values()) == {"a", "b"}
        runtime, keeper = await crash_and_restart(keeper, store, a=50_000)
        assert len(runtime.scheduler.programs) == 2
        late = next(name for name, backend_id in backends.items() if backend_id == "b")
        assert runtime.scheduler.programs[late].backend is None
        runtime.add_backend("b", 50_000)
        keeper.joined("b")
        keeper.joined("b")
        program = runtime.scheduler.programs[late]
        assert program.backend is runtime.scheduler.ledger.backends["b"]
        runtime.scheduler.check_invariants()
        keeper.close()

    run(scenario())


def test_an_engine_that_comes_too_late_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr("thunderagent.runtime.keeper.LATE_S", -1.0)
        store = Disk()
        runtime, keeper = await opened(store)
        await a_turn(runtime, "p")
        await keeper.known("p")
        runtime, keeper = await crash_and_restart(keeper, store, b=50_000)
        runtime.add_backend("a", 50_000)
        keeper.joined("a")
        assert runtime.scheduler.programs["p"].backend is None
        keeper.close()

    run(scenario())


def test_downtime_ages_nobody() -> None:
    async def scenario() -> None:
        store = Disk()
        runtime, keeper = await opened(store)
        await a_turn(runtime, "p")
        await keeper.known("p")
        written = store.statistics["time_s"]
        runtime, keeper = await crash_and_restart(keeper, store)
        assert runtime.scheduler.remember(runtime.scheduler.programs["p"]).acting_s == pytest.approx(0.0, abs=5.0)
        await a_turn(runtime, "q")
        await keeper.known("q")
        assert store.programs["q"].at_s == pytest.approx(written, abs=5.0)
        assert store.programs["q"].at_s >= written
        keeper.close()

    run(scenario())


def test_a_store_that_fails_is_said_once_and_catches_up_when_it_works_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        monkeypatch.setattr("thunderagent.runtime.keeper.RETRY_S", 0.01)
        store = Disk()
        runtime, keeper = await opened(store)
        for name in ("p", "over"):
            await a_turn(runtime, name)
            await keeper.known(name)
        assert runtime.snapshot()["store_behind"] == 0.0
        store.failing = "state.db cannot be written (database or disk is full)"
        await a_turn(runtime, "q")
        await keeper.known("q")  # nobody waits for a disk that is full
        assert runtime.snapshot()["store_behind"] == 1.0
        runtime.release("over")
        await keeper.forgotten("over")
        store.programs.clear()  # as if the file had vanished
        store.failing = ""
        while keeper.behind:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert set(store.programs) == {"p", "q"}
        keeper.close()

    run(scenario())
    told = [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "WARNING")]
    assert [line for line in told if "disk is full" in line] == [told[0]]
    assert "kept in memory alone" in told[0]
    assert told[1] == "the store is written again"


def test_a_bug_in_a_store_does_not_end_the_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr("thunderagent.runtime.keeper.RETRY_S", 0.01)
        store = Disk()
        runtime, keeper = await opened(store)
        monkeypatch.setattr(store, "write", lambda changes: 1 / 0)
        await a_turn(runtime, "p")
        await keeper.known("p")
        assert keeper.behind
        monkeypatch.undo()
        while keeper.behind:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert set(store.programs) == {"p"}
        keeper.close()

    run(scenario())


def test_what_changed_last_is_written_when_it_is_closed() -> None:
    async def scenario() -> None:
        store = Disk()
        runtime, keeper = await opened(store)
        await a_turn(runtime, "p")
        keeper.close()
        assert set(store.programs) == {"p"}
        unread = Keeper(Runtime(ThunderPolicy()), store)
        unread.close()
        assert set(store.programs) == {"p"}, "what was never read is not overwritten"

    run(scenario())


def test_many_programs_come_back_in_slices_and_others_have_their_turn(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        store = Disk()
        runtime, keeper = await opened(store, a=10**9)
        for number in range(1_000):
            await a_turn(runtime, f"p{number}", 100)
        keeper.close()
        runtime = Runtime(ThunderPolicy())
        runtime.add_backend("a", 10**9)
        keeper = Keeper(runtime, store, identity_of=lambda backend_id: [backend_id])
        recovery = asyncio.create_task(keeper.recover(await keeper.load()))
        turns = 0
        while not recovery.done():
            await asyncio.sleep(0)
            turns += keeper.recovering
        assert turns > 3
        assert [program.birth for program in runtime.scheduler.programs.values()] == list(range(1_000))
        assert not keeper._changed, "they are as they were written"
        keeper.close()

    run(scenario())


def test_odd_statistics_do_no_harm() -> None:
    async def scenario() -> None:
        store = Disk()
        store.statistics = {"time_s": float("nan"), "processes": 5, "totals": {"steps": -1, "__class__": 3, "prompt_tokens": "x"}}
        runtime, keeper = await opened(store)
        await a_turn(runtime, "p")
        assert runtime.totals.steps == 1
        store.statistics = {"totals": []}
        keeper.close()

    run(scenario())
