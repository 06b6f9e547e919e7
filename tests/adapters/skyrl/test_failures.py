"""What goes wrong under SkyRL's own generator: training goes on as SkyRL would, and nothing is left in the scheduler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from tests.adapters.engines.simulated.support import Scripted, Server, running
from thunderagent.adapters.skyrl.compat import prepare_import

prepare_import()
pytest.importorskip("skyrl")
skyrl_gym = pytest.importorskip("skyrl_gym")
pytest.importorskip("transformers")

from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput  # noqa: E402

from tests.adapters.skyrl.support import GSM8K, ByTurn, Scheduled, scheduled  # noqa: E402
from thunderagent.core import DefaultPolicy, Scheduler  # noqa: E402
from thunderagent.errors import TurnError  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:client.loop:DeprecationWarning")
T = TypeVar("T")
LONG = Scripted("#### 7 " + "x" * 600)
"""Takes minutes at the speed of a real engine."""


class Breaks(BaseTextEnv):
    """An environment whose second sample breaks in its first step."""

    made = 0

    def __init__(self, env_config: Any = None, extras: Any = None) -> None:
        super().__init__()
        Breaks.made += 1
        self.number = Breaks.made

    def step(self, action: str) -> BaseTextEnvStepOutput:
        if self.number == 2:
            raise ZeroDivisionError("the environment is broken")
        return BaseTextEnvStepOutput(observations=[], reward=1.0, done=True, metadata={})


class Broken(DefaultPolicy):
    """A policy with a bug."""

    def place(self, program: Any, ledger: Any) -> Any:
        raise RuntimeError("a bug")


skyrl_gym.register(id="breaks", entry_point=f"{__name__}:Breaks")


def run(scenario: Callable[[Server], Awaitable[T]], answers: Any, **engine: Any) -> T:
    async def main() -> T:
        async with running(answers, **engine) as server, asyncio.timeout(30):
            return await scenario(server)

    return asyncio.run(main())


def test_trajectories_that_are_cancelled_leave_nothing_in_scheduler_and_engine() -> None:
    async def scenario(server: Server) -> Scheduled:
        async with scheduled(server, thunder={"mode": "cap", "programs_per_engine": 1}) as under_test:
            batch = under_test.batch("gsm8k_multi_turn", [GSM8K], samples=4)
            loops = [
                asyncio.create_task(
                    under_test.generator.agent_loop(
                        *(batch["prompts"][number], "gsm8k_multi_turn", batch["env_extras"][number], 1_000, 4_000),
                        trajectory_id=batch["trajectory_ids"][number],
                    )
                )
                for number in range(4)
            ]
            scheduler = under_test.session.runtime.scheduler
            await server.until(lambda: scheduler.waiting_turns == 3 and server.engine.counters.generation_tokens > 2)
            for loop in loops:
                loop.cancel()
            assert [type(error) for error in await asyncio.gather(*loops, return_exceptions=True)] == [asyncio.CancelledError] * 4
            under_test.assert_nothing_is_left()
            await server.until(lambda: not server.engine.running)
            return under_test

    steps = run(scenario, LONG, time_scale=1.0).steps
    assert [step.outcome for step in steps] == ["cancelled"]  # the others had not begun


def test_an_environment_that_raises_is_seen_by_skyrl_and_its_program_is_released() -> None:
    Breaks.made = 0

    async def scenario(server: Server) -> Scheduled:
        async with scheduled(server) as under_test:
            with pytest.raises(ZeroDivisionError, match="the environment is broken"):
                await under_test.generate("breaks", [GSM8K], samples=3)
            await server.until(lambda: not under_test.session.runtime.scheduler.programs)
            under_test.assert_nothing_is_left()
            return under_test

    assert [step.outcome for step in run(scenario, Scripted("hello")).steps] == ["completed"] * 3


def test_turns_of_an_engine_that_dies_go_on_at_another_and_the_group_completes() -> None:
    async def scenario(server: Server) -> tuple[Any, Scheduled]:
        async with (
            running(LONG, time_scale=1.0) as doomed,
            scheduled(doomed, server, thunder={"engine_poll_s": 0.05}) as under_test,
        ):
            batch = asyncio.create_task(under_test.generate("gsm8k_multi_turn", [GSM8K] * 2))
            await doomed.until(lambda: doomed.engine.counters.generation_tokens > 2)
            await doomed.die()
            output = await batch
            under_test.assert_nothing_is_left()
            return output, under_test

    output, under_test = run(scenario, ByTurn("#### 42"))
    assert output["stop_reasons"] == ["stop"] * 4
    assert {(step.backend, step.outcome) for step in under_test.steps} == {(under_test.client.server_urls[1], "completed")}


def lose_the_only_engine(engine_failure: str) -> tuple[Any, Scheduled]:
    async def scenario(server: Server) -> tuple[Any, Scheduled]:
        async with scheduled(server, thunder={"engine_poll_s": 0.05, "engine_failure": engine_failure}) as under_test:
            batch = asyncio.create_task(under_test.generate("gsm8k_multi_turn", [GSM8K]))
            await server.until(lambda: server.engine.counters.generation_tokens > 2)
            await server.die()
            try:
                return await batch, under_test
            finally:
                await server.until(lambda: not under_test.session.runtime.scheduler.programs)
                under_test.assert_nothing_is_left()

    return run(scenario, LONG, time_scale=1.0)


def test_without_another_engine_its_loss_raises_into_skyrl() -> None:
    with pytest.raises(TurnError):
        lose_the_only_engine("raise")


def test_or_ends_the_trajectories_if_it_is_to() -> None:
    output, _ = lose_the_only_engine("end")
    assert output["stop_reasons"] == ["error", "error"]
    assert [sum(reward) for reward in output["rewards"]] == [0.0, 0.0]


def test_a_scheduler_that_fails_lets_turns_pass_through_and_the_batch_completes(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(server: Server) -> tuple[Any, Scheduled]:
        async with scheduled(server) as under_test:
            under_test.session.runtime.scheduler = Scheduler(Broken())
            return await under_test.generate("gsm8k_multi_turn", [GSM8K]), under_test

    output, under_test = run(scenario, ByTurn("#### 7", "#### 42"))
    assert output["stop_reasons"] == ["stop"] * 2
    assert under_test.session.runtime.degraded
    assert under_test.session.runtime._turns == {}
    assert sum("scheduling failed" in record.message for record in caplog.records) == 1
