"""slime's own functions beside ours, in one process and on slime's own loop: CPU of a turn, aborts, and weight updates.

CPU is that of the whole process: the scheduler lives in a thread of its own.
"""

from __future__ import annotations

import asyncio
import copy
import tempfile
import time
from argparse import Namespace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import Figure
from benchmarks.rl.engine import FAST, running
from benchmarks.rl.paired import extra_cpu_ms
from recipes.common.config import EngineConfig
from recipes.slime_search import weights
from recipes.slime_search.arguments import slime_arguments
from recipes.slime_search.config import RecipeConfig, RolloutConfig
from recipes.slime_search.dataset import write_dataset
from recipes.slime_search.router import listing

PROMPT = "x" * 2_000
RUNNING, HELD, ABORTS = 4, 28, 5
UPDATES = 20
SLOW = EngineConfig(kv_capacity_tokens=4_000_000, prefill_tokens_per_s=1e6, decode_step_s=0.05, time_scale=1.0)
"""A turn takes minutes: only an abort ends it."""
HELD_TIMEOUT_S = 30.0


def figures() -> dict[str, Figure]:
    """All of them. slime has to be importable."""
    from slime.utils.async_utils import run

    with tempfile.TemporaryDirectory(prefix="ta-rl-") as directory:
        dataset, _ = write_dataset(Path(directory))
        with running(FAST, "sglang") as (url, tokenizer), listing([url]) as router:
            args = _arguments(dataset, tokenizer, router, mode="thunder")
            found: dict[str, Figure] = run(_turns(args, url))
        with running(SLOW, "sglang") as (url, tokenizer), listing([url]) as router:
            slow = _arguments(dataset, tokenizer, router, mode="cap", programs_per_engine=RUNNING)
            vars(args).update(vars(slow))  # slime keeps the first ones that it is given
            took = [run(_abort_s(args)) for _ in range(ABORTS)]
    return {
        **found,
        f"slime: abort with {HELD} held programs, median": Figure(median(took), "s", at_most=0.1),
        f"slime: abort with {HELD} held programs, worst": Figure(max(took), "s"),
    }


def _arguments(dataset: Path, tokenizer: Path, router: tuple[str, int], **thunder: Any) -> Namespace:
    """Of a step with as many samples as an abort needs, one for each prompt; single turns, slime's own function."""
    from slime.utils.http_utils import init_http_client

    config = RecipeConfig(rollout=RolloutConfig(prompts_per_step=RUNNING + HELD, samples_per_prompt=1))
    args = slime_arguments(config, out_dir=dataset.parent, dataset=dataset, model=str(tokenizer), router=router, engines=1)
    args.thunder = thunder
    init_http_client(args)
    return args


async def _turns(args: Namespace, url: str) -> dict[str, Figure]:
    from slime.rollout import sglang_rollout

    from thunderagent.adapters import slime as ours

    direct = copy.copy(args)  # without a scheduler, and without a router in between
    direct.sglang_router_ip, direct.sglang_router_port = url.removeprefix("http://").split(":")

    async def plain_turn(number: int) -> None:
        await sglang_rollout.generate(direct, _sample(number), _params(args))

    async def our_turn(number: int) -> None:
        await ours.generate(args, _sample(number), _params(args))

    async def turn_s(turn: Any, number: int) -> float:
        await asyncio.to_thread(weights.update, [url], number)
        began_s = time.perf_counter()
        await turn(number)
        return time.perf_counter() - began_s

    extra_ms, plain_ms = await extra_cpu_ms(plain_turn, our_turn, time.process_time)
    later_s = [await turn_s(our_turn, 2 * n) - await turn_s(plain_turn, 2 * n + 1) for n in range(UPDATES)]
    return {
        "slime: CPU of a turn beyond slime's own": Figure(extra_ms, "ms", at_most=0.3),
        "slime: CPU of a turn, slime's own": Figure(plain_ms, "ms"),
        "slime: first turn after a weight update, later by, median": Figure(median(later_s) * 1e3, "ms", at_most=50),
        "slime: first turn after a weight update, later by, worst": Figure(max(later_s) * 1e3, "ms"),
    }


async def _abort_s(args: Namespace) -> float:
    """Seconds that slime's abort takes, with some programs running and the others held."""
    from slime.rollout.data_source import RolloutDataSourceWithBuffer
    from slime.rollout.sglang_rollout import GenerateState, abort

    from thunderagent.adapters.slime.hosts import open_host
    from thunderagent.adapters.slime.settings import settings_of

    state = GenerateState(args)
    state.reset()
    state.submit_generate_tasks(RolloutDataSourceWithBuffer(args).get_samples(RUNNING + HELD))
    host: Any = await asyncio.to_thread(open_host, args, settings_of(args))
    async with asyncio.timeout(HELD_TIMEOUT_S):
        while host._gateway.call(lambda serving: serving.session.runtime.scheduler.waiting_turns) < HELD:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    began_s = time.perf_counter()
    await abort(args, 0)
    took_s = time.perf_counter() - began_s
    state.reset()
    return took_s


def _sample(number: int) -> Any:
    from slime.utils.types import Sample

    return Sample(prompt=f"{number} {PROMPT}", group_index=number, index=number, session_id=str(number))


def _params(args: Namespace) -> dict[str, Any]:
    from slime.rollout.sglang_rollout import GenerateState

    return {**copy.copy(GenerateState(args).sampling_params), "max_new_tokens": 2}
