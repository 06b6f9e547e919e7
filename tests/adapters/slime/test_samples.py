"""One sample, by slime's own types and client."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Any

import pytest

from tests.adapters.slime import inner
from tests.adapters.slime.support import World
from thunderagent.adapters.slime import generate, hosts

INNER = "tests.adapters.slime.inner."
PARAMS = {"max_new_tokens": 64, "temperature": 1.0}


def run(world: World, args: Namespace, *, evaluation: bool = False, **sample: Any) -> Any:
    """One sample through slime's hook."""
    from slime.utils.http_utils import init_http_client
    from slime.utils.types import Sample

    init_http_client(args)
    return asyncio.run(generate(args, Sample(**{"prompt": "hi", "index": 1} | sample), PARAMS, evaluation))


def host_of(world: World) -> Any:
    return hosts._hosts[f"http://127.0.0.1:{world.port}"]


def programs(world: World) -> list[str]:
    return list(host_of(world)._gateway.call(lambda serving: list(serving.session.runtime.scheduler.programs)))


def test_the_inner_function_gets_a_copy_of_the_arguments_and_slime_keeps_its_own(world: World) -> None:
    from slime.rollout.sglang_rollout import GenerateState

    world.engine()
    args = world.args(thunder={"inner_generate": INNER + "notes"})
    inner.SEEN.clear()
    run(world, args, session_id="s/1", group_index=4)
    given, _, evaluation = inner.SEEN[0]
    assert given is not args
    assert given.sglang_router_port.endswith("/p/train%2F4%2Fs%2F1")
    assert given.sglang_model_routers["default"] == (given.sglang_router_ip, given.sglang_router_port)
    assert args.sglang_router_port == world.port
    assert GenerateState(given) is GenerateState(args)
    assert GenerateState(given).args is args
    assert (PARAMS["max_new_tokens"], evaluation) == (64, False), "what it writes into is its own"


def test_a_bug_of_the_users_is_raised_and_leaves_nothing(world: World) -> None:
    world.engine()
    with pytest.raises(KeyError, match="a bug"):
        run(world, world.args(thunder={"inner_generate": INNER + "fails"}))
    assert programs(world) == []
    assert not host_of(world)._running


@pytest.mark.parametrize("evaluation", [False, True])
def test_a_sample_that_no_engine_answers_teaches_nothing_and_stops_nothing(world: World, evaluation: bool) -> None:
    args = world.args(
        thunder={"inner_generate": INNER + "asks_once"}, rollout_num_engines=1, reward_key="score", rollout_top_p=0.9
    )
    sample = run(world, args, evaluation=evaluation)
    assert (sample.tokens, sample.response_length, sample.loss_mask, sample.rollout_log_probs) == ([0, 0], 1, [0], [0.0])
    assert (sample.remove_sample, sample.reward, sample.status.value) == (True, {"score": 0.0}, "completed")
    assert (sample.rollout_top_p_token_ids, sample.rollout_top_p_token_offsets) == ([], [0, 0])
    assert host_of(world).end_step("eval/" if evaluation else "train/")["failed_samples"] == 1


@pytest.mark.parametrize("more", [{"thunder": {"engine_failure": "raise"}}, {"use_rollout_routing_replay": True}])
def test_it_is_raised_where_that_is_asked_for_or_nothing_can_be_made_up(world: World, more: dict[str, Any]) -> None:
    import httpx

    more["thunder"] = {"inner_generate": INNER + "asks_once"} | more.get("thunder", {})
    with pytest.raises(httpx.HTTPStatusError):
        run(world, world.args(rollout_num_engines=1, **more))


def test_what_fails_elsewhere_is_the_users_affair(world: World) -> None:
    import httpx

    world.engine()
    with pytest.raises(httpx.ConnectError):
        run(world, world.args(thunder={"inner_generate": INNER + "asks_elsewhere"}))


def test_without_a_router_that_answers_turns_go_where_they_would(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It may be up later: another try comes."""
    import httpx

    world.run(world._router.cleanup())
    args = world.args(thunder={"inner_generate": INNER + "asks_once"}, rollout_num_engines=1)
    with pytest.raises(httpx.ConnectError):
        run(world, args)
    assert "turns are not scheduled, trying again in 30 s: Cannot connect to" in caplog.text
    assert not hosts._hosts


def test_a_scheduler_that_has_ended_is_made_anew(world: World) -> None:
    world.engine()
    args = world.args()
    run(world, args)
    first = host_of(world)
    first.close()
    assert not first.alive
    assert run(world, args).status.value == "completed"
    assert host_of(world) is not first
