from __future__ import annotations

import asyncio
import time

import pytest

from thunderagent.adapters.engines.simulated.driver import EngineDriver
from thunderagent.simulation import RequestRecord, SimulatedEngine, StepResult

from .support import SPEC


class ManualClock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_driver_that_fell_behind_catches_up_without_waiting() -> None:
    async def main() -> tuple[RequestRecord | None, float]:
        clock = ManualClock()
        driver = EngineDriver(SimulatedEngine(SPEC), clock=clock)
        task = asyncio.create_task(driver.run())
        generation = driver.submit("a", [1, 2, 3], [7] * 1000, "")
        await asyncio.sleep(0.005)
        clock.now_s = 3600.0
        began_s = time.perf_counter()
        async with asyncio.timeout(5):
            record = await generation.done
        task.cancel()
        return record, time.perf_counter() - began_s

    record, elapsed_s = asyncio.run(main())
    assert record is not None
    assert record.decode_s == pytest.approx(999 * SPEC.decode_step_s, rel=0.1)
    assert elapsed_s < 2.0, "10 simulated seconds in far less"


def test_an_idle_engine_has_nothing_to_catch_up_with() -> None:
    async def main() -> tuple[RequestRecord | None, float]:
        clock = ManualClock()
        driver = EngineDriver(SimulatedEngine(SPEC), clock=clock)
        task = asyncio.create_task(driver.run())
        await asyncio.sleep(0)
        clock.now_s = 3600.0
        began_s = time.perf_counter()
        record = await driver.submit("a", [1, 2, 3], [7], "").done
        task.cancel()
        return record, time.perf_counter() - began_s

    record, elapsed_s = asyncio.run(main())
    assert record is not None
    assert record.queued_s == 0.0
    assert elapsed_s >= 0.01, "the one step takes its time"


def test_an_error_in_the_engine_reaches_everyone_who_waits() -> None:
    class Broken(SimulatedEngine):
        def step(self, now_s: float) -> StepResult:
            raise ArithmeticError("broken")

    async def main() -> None:
        driver = EngineDriver(Broken(SPEC))
        task = asyncio.create_task(driver.run())
        generation = driver.submit("a", [1], [2], "")
        with pytest.raises(ArithmeticError):
            await generation.done
        with pytest.raises(ArithmeticError):
            await task
        with pytest.raises(RuntimeError, match="stopped"):
            driver.submit("b", [1], [2], "")

    asyncio.run(main())


def test_an_id_can_be_used_again_right_after_an_abort() -> None:
    async def main() -> list[RequestRecord | None]:
        driver = EngineDriver(SimulatedEngine(SPEC), time_scale=10.0)
        task = asyncio.create_task(driver.run())
        first = driver.submit("a", [1, 2, 3], [7], "")
        await asyncio.sleep(0)  # The only step of "a" is under way: the engine has finished it, the driver not yet.
        await asyncio.sleep(0)
        assert "a" not in driver.engine
        driver.discard(first)
        second = driver.submit("a", [1, 2, 3], [7, 8, 9], "")
        outcomes = [await first.done, await second.done]
        task.cancel()
        assert len(second.token_ids) == 3
        return outcomes

    aborted, finished = asyncio.run(main())
    assert aborted is None
    assert finished is not None
    assert finished.completion_tokens == 3


def test_a_time_scale_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="time_scale is 0"):
        EngineDriver(SimulatedEngine(SPEC), time_scale=0)
