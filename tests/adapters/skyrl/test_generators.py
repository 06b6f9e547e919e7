"""SkyRL's own generator with its own environments, unmodified, under the adapter on the embedded engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from aiohttp import web

from tests.adapters.engines.simulated.support import Scripted, Server, running
from thunderagent.adapters.skyrl.compat import prepare_import

prepare_import()
pytest.importorskip("skyrl")
pytest.importorskip("skyrl_gym")
pytest.importorskip("transformers")

from skyrl.train.config import SkyRLGymConfig  # noqa: E402
from skyrl.train.generators.utils import concatenate_generator_outputs  # noqa: E402

from tests.adapters.skyrl.support import GSM8K, ByTurn, Scheduled, scheduled  # noqa: E402
from thunderagent.adapters.skyrl.times import TrajectoryTimes  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:client.loop:DeprecationWarning")
T = TypeVar("T")


def run(scenario: Callable[[Server], Awaitable[T]], answers: Any, **engine: Any) -> T:
    async def main() -> T:
        async with running(answers, **engine) as server, asyncio.timeout(30):
            return await scenario(server)

    return asyncio.run(main())


async def search_server(asked: list[Any]) -> web.AppRunner:
    """What the search environment's tool calls: the retrieval server of Search-R1."""

    async def retrieve(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response({"result": [[{"document": {"contents": "Bern is the capital of Switzerland."}}]]})

    app = web.Application()
    app.add_routes([web.post("/retrieve", retrieve)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


def test_gsm8k_in_several_turns() -> None:
    async def scenario(server: Server) -> tuple[Any, Scheduled]:
        async with scheduled(server, thunder={"mode": "thunder"}) as under_test:
            output = await under_test.generate("gsm8k_multi_turn", [GSM8K, GSM8K])
            under_test.assert_nothing_is_left()
            return output, under_test

    output, under_test = run(scenario, ByTurn("hm, #### 7", "#### 42"))
    assert [sum(reward) for reward in output["rewards"]] == pytest.approx([1.0 + 0.2 / 3] * 4)
    assert output["stop_reasons"] == ["stop"] * 4
    steps = under_test.steps
    assert {step.program_id for step in steps} == {f"train/{row}_{sample}" for row in range(2) for sample in range(2)}
    assert {(step.group, step.phase, step.outcome) for step in steps} == {
        *(("train/0", "train", "completed"), ("train/1", "train", "completed"))
    }
    assert max(step.reprefilled_tokens or 0 for step in steps) < 16  # less than a block


def test_search_whose_tool_is_a_server() -> None:
    asked: list[Any] = []

    async def scenario(server: Server) -> tuple[Any, Scheduled]:
        retrieval = await search_server(asked)
        gym = SkyRLGymConfig()
        gym.search.search_url = f"http://127.0.0.1:{retrieval.addresses[0][1]}/retrieve"
        try:
            async with scheduled(server, gym=gym) as under_test:
                row = {"reward_spec": {"ground_truth": {"target": ["Bern"]}}}
                output = await under_test.generate("search", [row])
                under_test.assert_nothing_is_left()
                return output, under_test
        finally:
            await retrieval.cleanup()

    answers = ByTurn("<search>capital of Switzerland</search>", "<answer>Bern</answer>")
    output, under_test = run(scenario, answers)
    assert [sum(reward) for reward in output["rewards"]] == [1.0, 1.0]
    assert [each["query"] for each in asked] == ["capital of Switzerland"] * 2
    assert sorted((step.program_id, step.step_id) for step in under_test.steps) == [
        *(("train/0_0", 1), ("train/0_0", 2), ("train/0_1", 1), ("train/0_1", 2))
    ]
    assert all(step.tool_call_s > 0 for step in under_test.steps if step.step_id == 2)


def test_an_evaluation_that_overlaps_training_has_programs_of_its_own_though_skyrl_gives_both_the_same_ids() -> None:
    async def scenario(server: Server) -> Scheduled:
        async with scheduled(server) as under_test:
            phases = [under_test.generate("gsm8k_multi_turn", [GSM8K], phase, samples=1) for phase in ("train", "eval")]
            await asyncio.gather(*phases)
            under_test.assert_nothing_is_left()
            return under_test

    steps = run(scenario, ByTurn("#### 7")).steps
    assert {(step.program_id, step.phase) for step in steps} == {("train/0_0", "train"), ("eval/0_0", "eval")}
    assert len(steps) == 6


def test_a_batched_generator_runs_unscheduled_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(server: Server) -> tuple[Any, Scheduled]:
        async with scheduled(server, batched=True, max_turns=1) as under_test:
            await under_test.generate("gsm8k_multi_turn", [GSM8K])
            return await under_test.generate("gsm8k_multi_turn", [GSM8K]), under_test

    output, under_test = run(scenario, ByTurn("#### 42"))
    assert output["rewards"] == [1.0, 1.0]
    assert under_test.steps == []
    assert sum("is not scheduled" in record.message for record in caplog.records) == 1


def test_the_time_of_a_trajectory_is_split_into_pause_engine_and_environment() -> None:
    async def scenario(server: Server) -> tuple[Any, Any]:
        async with scheduled(server, thunder={"mode": "cap", "programs_per_engine": 1}) as under_test:
            output = await under_test.generate("gsm8k_multi_turn", [GSM8K])
            window = under_test.client._thunder.take_window()  # type: ignore[union-attr]
            return output, window["train"]

    output, window = run(scenario, Scripted("#### 7 " + "x" * 50))
    metrics = concatenate_generator_outputs([output])["rollout_metrics"]
    names = ("pause", "llm", "env")
    mean_s, max_s = ([metrics[f"generate/trajectory_time_{name}_{kind}"] for name in names] for kind in ("mean", "max"))
    whole_s = sum(output["trajectory_generation_times"]) / 2
    assert mean_s[0] > 0.3 * mean_s[1]  # one of the two waited for the other
    assert 1.5 * mean_s[0] < max_s[0] <= 2.001 * mean_s[0]  # the other hardly at all
    assert mean_s[0] * 2 == pytest.approx(window["pause_mean_s"] * window["turns"], rel=0.01)
    assert 0.9 * whole_s < sum(mean_s) <= whole_s * 1.001


Row = SimpleNamespace


def test_where_skyrl_splits_times_itself_what_was_held_back_is_taken_out_of_the_engines_part() -> None:
    times = TrajectoryTimes()
    times.add("0_0", paused_s=1.0, engine_s=2.0)
    times.add("0_0", paused_s=0.5, engine_s=2.0)
    times.add("0_1", paused_s=0.0, engine_s=3.0)
    ids = [Row(instance_id="0", repetition_id=repetition) for repetition in (0, 0, 1)]  # step-wise: a row for each turn
    output: dict[str, Any] = {
        "trajectory_ids": ids,
        "trajectory_time_splits": {"llm": [5.5, 5.5, 3.0], "env": [1.0, 1.0, 2.0]},
        "rollout_metrics": {"generate/trajectory_time_llm_p90": 5.25},
    }
    times.split(output, ())
    assert output["trajectory_time_splits"] == {
        "llm": [4.0, 4.0, 3.0],
        "env": [1.0, 1.0, 2.0],
        "pause": [1.5, 1.5, 0.0],
    }
    metrics = output["rollout_metrics"]
    assert (metrics["generate/trajectory_time_pause_mean"], metrics["generate/trajectory_time_pause_max"]) == (0.75, 1.5)
    assert metrics["generate/trajectory_time_llm_p90"] == pytest.approx(3.9)
    assert "generate/trajectory_time_pause_p90" not in metrics


def test_output_without_times_or_of_a_batch_that_was_not_scheduled_is_left_as_it_is() -> None:
    times = TrajectoryTimes()
    output: dict[str, Any] = {"rollout_metrics": None}
    times.split(output, ())
    times.add("0_0", paused_s=1.0, engine_s=2.0)
    times.split(output, [Row(instance_id="0", repetition_id=0)])
    assert output == {"rollout_metrics": None}
