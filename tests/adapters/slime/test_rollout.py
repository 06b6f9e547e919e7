"""slime's own rollouts, scheduled: its data source, generate functions, client and aborts are the real ones."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.adapters.slime import inner
from tests.adapters.slime.support import Fixed, Searching, World
from thunderagent.adapters.slime import generate_rollout, hosts
from thunderagent.errors import ConfigError

INNER = "tests.adapters.slime.inner."
LONG = Fixed("x" * 200)
SOON_S = 1.0
"""For an abort, on a busy machine: it takes less than a tenth of that (``benchmarks.rl`` measures it), and 3 s or more if a
turn is let in after it."""


def step(world: World, args: Namespace, data_source: Any, rollout_id: int = 0, evaluation: bool = False) -> Any:
    """As slime calls it."""
    from slime.rollout.base_types import call_rollout_fn
    from slime.utils.http_utils import init_http_client

    init_http_client(args)
    return call_rollout_fn(generate_rollout, args, rollout_id, data_source, evaluation=evaluation)


def thunder(metrics: dict[str, Any], prefix: str = "rollout/thunder/") -> dict[str, float]:
    return {name.removeprefix(prefix): value for name, value in metrics.items() if name.startswith(prefix)}


def statuses(output: Any) -> set[str]:
    return {sample.status.value for group in output.samples for sample in group}


def aborting(args: Namespace, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long slime's aborts take, in seconds."""
    from slime.rollout import sglang_rollout

    took_s: list[float] = []
    abort = sglang_rollout.abort

    async def timed(*arguments: Any) -> Any:
        began_s = time.monotonic()
        try:
            return await abort(*arguments)
        finally:
            took_s.append(time.monotonic() - began_s)

    monkeypatch.setattr(sglang_rollout, "abort", timed)
    return took_s


def test_a_step_of_slime_is_scheduled_and_leaves_nothing(world: World, data_source: Any) -> None:
    engine = world.engine()
    output = step(world, world.args(), data_source)
    assert [len(group) for group in output.samples] == [4, 4, 4]
    assert statuses(output) == {"completed"}
    assert len(engine.calls("/generate")) == 12
    assert world.routed == 0, "every turn went through the scheduler"
    told = thunder(output.metrics)
    assert (told["turns"], told["programs_left"], told["programs_kept"], told["backends"]) == (12, 0, 0, 1)
    assert told["prompt_tokens"] > 0 < told["completion_tokens"]
    second = thunder(step(world, world.args(), data_source, 1).metrics)
    assert second["turns"] == 12, "of this step alone"
    assert second["kv_hit_rate"] > 0


def test_without_scheduling_steps_are_measured_all_the_same(world: World, data_source: Any) -> None:
    world.engine()
    told = thunder(step(world, world.args(thunder={"mode": "default"}), data_source).metrics)
    assert told["turns"] == 12
    assert told["pauses"] == 0


def test_the_path_of_the_rollout_function_is_enough(world: World, data_source: Any) -> None:
    world.engine()
    args = world.args(
        custom_generate_function_path=INNER + "several_turns",
        rollout_function_path="thunderagent.adapters.slime.generate_rollout",
    )
    told = thunder(step(world, args, data_source).metrics)
    assert told["turns"] == 36, "the user's own function ran, and each of its turns was scheduled"
    assert world.routed == 0
    step(world, args, data_source, 1)


def test_a_generate_function_that_is_named_twice_is_refused(world: World, data_source: Any) -> None:
    args = world.args(custom_generate_function_path="a.b", thunder={"inner_generate": "c.d"})
    with pytest.raises(
        ConfigError, match=r"thunder\.inner_generate=c\.d: --custom-generate-function-path is a\.b: give one of them"
    ):
        step(world, args, data_source)


def test_an_evaluation_is_scheduled_and_measured_apart(world: World, data_source: Any) -> None:
    from slime.utils.eval_config import EvalDatasetConfig

    world.engine()
    keys = {"input_key": "input", "label_key": "label", "metadata_key": "metadata", "rm_type": "random"}
    sampling = {"n_samples_per_eval_prompt": 2, "temperature": 1.0, "top_p": 1.0, "top_k": -1, "max_response_len": 64}
    inner.SEEN.clear()
    path = world.args().prompt_data + "@[:6]"
    own = EvalDatasetConfig(name="own", path=path, custom_generate_function_path=INNER + "asks_once", **keys, **sampling)
    toy = EvalDatasetConfig(name="toy", path=path, **keys, **sampling)
    args = world.args(eval_datasets=[toy, own], thunder={"inner_generate": INNER + "notes"})
    output = step(world, args, data_source, evaluation=True)
    told = thunder(output.metrics, "eval/thunder/")
    assert len(output.data["toy"]["samples"]) == 12
    assert (told["turns"], told["programs_left"]) == (12, 0), "a dataset's own generate function is its own affair"
    assert world.routed == 12
    assert {(params["max_new_tokens"], evaluation) for _, params, evaluation in inner.SEEN} == {(64, True)}, "each has its own"
    assert not any(sample.session_id for sample in output.data["toy"]["samples"]), "samples are as slime made them"
    train = step(world, args, data_source)
    assert thunder(train.metrics)["turns"] == 12


def test_an_abort_with_many_held_programs_takes_no_time(world: World, data_source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = world.engine(LONG, kv_capacity_tokens=1_200, time_scale=20.0)
    args = world.args(
        over_sampling_batch_size=10,
        rollout_batch_size=3,
        rollout_max_response_len=600,
        thunder={"inner_generate": INNER + "several_turns"},
    )
    took_s = aborting(args, monkeypatch)
    output = step(world, args, data_source)
    told = thunder(output.metrics)
    assert told["aborted_samples"] + 12 <= 40
    assert told["aborted_samples"] >= 20
    assert max(took_s) < SOON_S
    assert told["programs_left"] == 0
    asked = len(engine.calls("/generate"))
    assert len(engine.calls("/abort_request")) == 1, "no turn was let in after the abort"
    assert statuses(step(world, args, data_source, 1)) == {"completed"}, "the next step runs as ever"
    assert len(engine.calls("/generate")) > asked


def test_a_function_that_never_looks_is_told_with_every_turn(
    world: World, data_source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = world.engine(LONG, kv_capacity_tokens=1_200, time_scale=20.0)
    args = world.args(
        over_sampling_batch_size=10, rollout_max_response_len=600, thunder={"inner_generate": INNER + "never_looks"}
    )
    took_s = aborting(args, monkeypatch)
    step(world, args, data_source)
    assert max(took_s) < SOON_S
    assert len(engine.calls("/abort_request")) == 1


def test_partial_samples_go_on_as_the_programs_that_they_were(world: World, data_source: Any) -> None:
    world.engine(LONG, kv_capacity_tokens=1_500, time_scale=20.0)
    args = world.args(
        partial_rollout=True,
        over_sampling_batch_size=8,
        rollout_max_response_len=2_000,
        thunder={"inner_generate": INNER + "several_turns"},
    )
    kept = []
    for rollout_id in range(3):
        output = step(world, args, data_source, rollout_id)
        told = thunder(output.metrics)
        kept.append(told["programs_kept"])
        ran = [sample for group in data_source.buffer for sample in group if sample.status.value == "aborted" and sample.response]
        host = hosts._hosts[f"http://127.0.0.1:{world.port}"]
        programs = {f"train/{sample.group_index}/{sample.session_id}" for sample in ran}
        assert programs <= host._kept  # type: ignore[attr-defined]
        assert told["programs_left"] == 0
        assert statuses(output) == {"completed"}
    assert min(kept) > 0


def test_a_list_of_samples_with_partial_rollout_is_refused(world: World, data_source: Any) -> None:
    world.engine()
    args = world.args(partial_rollout=True, thunder={"inner_generate": INNER + "two_samples"})
    with pytest.raises(ConfigError, match="returns a list of samples, which slime cannot put back"):
        step(world, args, data_source)


def test_a_list_of_samples_is_fine_without(world: World, data_source: Any) -> None:
    world.engine()
    output = step(world, world.args(thunder={"inner_generate": INNER + "two_samples"}), data_source)
    assert {len(samples) for group in output.samples for samples in group} == {2}
    assert thunder(output.metrics)["programs_left"] == 0


def test_fully_async_rollouts_are_scheduled_and_measured(world: World, data_source: Any) -> None:
    world.engine(time_scale=40.0)
    section = {"inner_rollout": "slime.rollout.fully_async_rollout.generate_rollout_fully_async"}
    args = world.args(thunder=section, sglang_server_concurrency=4)
    turns = 0.0
    for rollout_id in range(2):
        output = step(world, args, data_source, rollout_id)
        assert [len(group) for group in output.samples] == [4, 4, 4]
        turns += thunder(output.metrics)["turns"]
        assert thunder(output.metrics)["programs_left"] == 0
    assert turns >= 24, "those of the next step begin before"
    assert world.routed == 0


def test_what_fully_async_puts_back_keeps_its_program(world: World, data_source: Any) -> None:
    """Engines abort what runs there when weights are updated."""
    import requests

    engine = world.engine(LONG, time_scale=4.0)
    section = {
        "inner_rollout": "slime.rollout.fully_async_rollout.generate_rollout_fully_async",
        "inner_generate": INNER + "several_turns",
    }
    args = world.args(thunder=section, sglang_server_concurrency=3, rollout_max_response_len=2_000, rollout_batch_size=1)
    step(world, args, data_source)
    deadline_s = time.monotonic() + 30
    host: Any = hosts._hosts[f"http://127.0.0.1:{world.port}"]
    while not host._kept:
        assert time.monotonic() < deadline_s
        requests.post(engine.url + "/abort_request", json={"abort_all": True}, timeout=10)
        time.sleep(0.02)
    output = step(world, args, data_source, 1)
    assert statuses(output) == {"completed"}
    assert thunder(output.metrics)["aborted_samples"] > 0


def test_an_engine_that_dies_costs_no_sample(world: World, data_source: Any) -> None:
    first, second = world.engine(time_scale=2.0), world.engine(time_scale=2.0)
    args = world.args(rollout_batch_size=6, over_sampling_batch_size=6)
    world.kill_at_work(second)
    output = step(world, args, data_source)
    assert second not in world.engines
    assert statuses(output) == {"completed"}
    assert thunder(output.metrics)["failed_samples"] == 0
    third = world.engine(time_scale=2.0)  # slime starts it anew, on another port
    told = thunder(step(world, args, data_source, 1).metrics)
    assert told["turns"] == 24
    assert third.calls("/generate"), "it is known with the next step"
    assert first.calls("/generate")


def test_new_weights_mean_that_no_cache_is_left(world: World, data_source: Any) -> None:
    import requests

    engine = world.engine()
    args = world.args()
    step(world, args, data_source)
    host: Any = hosts._hosts[f"http://127.0.0.1:{world.port}"]
    lost: list[str] = []
    host._gateway.call(lambda serving: _note_losses(serving, lost))
    requests.post(engine.url + "/update_weight_version", json={"new_version": "2"}, timeout=10)
    requests.post(engine.url + "/flush_cache", timeout=10)
    step(world, args, data_source, 1)
    assert lost


def _note_losses(serving: Any, lost: list[str]) -> None:
    watch = serving.session.engines
    inner_call = watch._on_cache_lost
    watch._on_cache_lost = lambda backend: (lost.append(backend), inner_call(backend))


def test_search_r1_runs_as_slime_ships_it(world: World, data_source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """slime's example, its reward function and its search client; the search server is a stand-in on a socket."""
    import slime

    example = Path(slime.__file__).parents[1] / "examples" / "search-r1"
    if not example.is_dir():
        pytest.skip("this slime has no examples/search-r1")
    monkeypatch.syspath_prepend(str(example))
    import generate_with_search  # type: ignore[import-not-found]

    async def retrieve(request: web.Request) -> web.Response:
        queries = (await request.json())["queries"]
        return web.json_response({"result": [[{"document": {"id": "1", "contents": f'"a title"\nabout {queries[0]}'}}]]})

    async def serve() -> tuple[web.AppRunner, int]:
        app = web.Application()
        app.router.add_post("/retrieve", retrieve)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, runner.addresses[0][1]

    runner, port = world.run(serve())
    monkeypatch.setitem(generate_with_search.SEARCH_R1_CONFIGS["local"], "search_url", f"http://127.0.0.1:{port}/retrieve")
    monkeypatch.setitem(generate_with_search.SEARCH_R1_CONFIGS, "max_turns", 4)
    world.engine(Searching(), time_scale=40.0)
    args = world.args(
        custom_generate_function_path="generate_with_search.generate",
        custom_rm_path="generate_with_search.reward_func",
        rollout_function_path="thunderagent.adapters.slime.generate_rollout",
        rollout_max_response_len=200,
    )
    try:
        output = step(world, args, data_source)
    finally:
        world.run(runner.cleanup())
        sys.modules.pop("generate_with_search")
    told = thunder(output.metrics)
    assert (told["turns"], told["programs_left"]) == (36, 0), "two searches and an answer each"
    assert all("<answer>7</answer>" in sample.response for group in output.samples for sample in group)
    assert world.routed == 0


def test_bare_outputs_of_rollout_functions_are_taken(world: World, data_source: Any) -> None:
    world.engine()
    args = world.args(thunder={"inner_rollout": INNER + "bare"})
    assert "rollout/thunder/turns" in step(world, args, data_source).metrics
    assert "eval/thunder/turns" in step(world, args, data_source, evaluation=True).metrics
