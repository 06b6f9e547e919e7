"""Traces on a real vLLM server, which `scripts/real-vllm` starts."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from benchmarks.fidelity.outcome import Outcome
from benchmarks.fidelity.trace import Prompt, Trace, Turn
from benchmarks.served_engine import served
from thunderagent.simulation import EngineSpec

ROOT = Path(__file__).parents[2]
BLOCK_TOKENS = 32
"""The smallest that vLLM takes on a CPU."""
SETTINGS = {
    "scheduler_config": (
        "policy",
        "max_num_seqs",
        "max_num_batched_tokens",
        "long_prefill_token_threshold",
        "enable_chunked_prefill",
        "async_scheduling",
        "scheduler_reserve_full_isl",
        "watermark",
    ),
    "cache_config": ("block_size", "num_gpu_blocks", "enable_prefix_caching", "prefix_caching_hash_algo"),
}
"""Of a server, that decide what is scheduled and cached; by the parts of its configuration."""
APART_S = 0.02
"""Between requests of a burst, so that they arrive in their order."""


@dataclass(frozen=True, slots=True)
class Times:
    """What a server was measured to take."""

    prefill_tokens_per_s: float
    decode_step_s: float
    decode_s_per_kv_token: float
    overhead_s: float
    """Of each request, outside of the engine."""

    def of(self, spec: EngineSpec) -> EngineSpec:
        """The same engine with these times."""
        return replace(
            spec,
            prefill_tokens_per_s=self.prefill_tokens_per_s,
            decode_step_s=self.decode_step_s,
            decode_s_per_kv_token=self.decode_s_per_kv_token,
        )


def spec(max_batched_tokens: int = 2_048) -> EngineSpec:
    """The model's counterpart of a server; its times do not matter where requests do not run side by side."""
    return EngineSpec(
        kv_capacity_tokens=8_192,
        block_size_tokens=BLOCK_TOKENS,
        max_batched_tokens=max_batched_tokens,
        max_running=64,
        prefill_tokens_per_s=10_000.0,
        decode_step_s=0.01,
        decode_s_per_kv_token=0.0,
    )


def command(like: EngineSpec) -> str:
    """What starts such a server, but for its port."""
    return (
        f"scripts/real-vllm serve --kv-tokens {like.usable_tokens} --max-seqs {like.max_running} "
        f"--max-batched-tokens {like.max_batched_tokens}"
    )


@contextmanager
def server(like: EngineSpec) -> Iterator[str]:
    """A server of our own, and its URL.

    Raises:
        SystemExit: it did not start; the message says why.
    """
    with served(lambda port: [*command(like).split(), "--port", str(port)], ROOT) as url:
        yield url


class Client:
    """Sends traces to a server."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session

    @classmethod
    @asynccontextmanager
    async def of(cls, url: str) -> AsyncIterator[Client]:
        """Until the block ends."""
        timeout = aiohttp.ClientTimeout(total=900)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
            yield cls(url, session)

    async def version(self) -> str:
        """The server's."""
        async with self._session.get(f"{self._url}/version") as answer:
            document: dict[str, str] = await answer.json()
            return document["version"]

    async def config(self) -> dict[str, Any]:
        """The server's settings that decide what is scheduled and cached."""
        async with self._session.get(f"{self._url}/server_info", params={"config_format": "json"}) as answer:
            document: dict[str, dict[str, Any]] = (await answer.json())["vllm_config"]
        return {name: document[part][name] for part, names in SETTINGS.items() for name in names}

    async def one_by_one(self, trace: Trace) -> Outcome:
        """Each request after the one before is over, from an empty cache."""
        await self._reset()
        preempted, began_s = await self._preemptions(), time.monotonic()
        usages = [await self._ask(prompt) for prompt in trace.prompts()]
        return _outcome(usages, await self._preemptions() - preempted, time.monotonic() - began_s)

    async def all_at_once(self, trace: Trace) -> Outcome:
        """All requests arrive, in their order, while the engine is paused; then it goes on, from an empty cache."""
        await self._reset()
        preempted = await self._preemptions()
        await self._post("/pause?mode=keep")
        asked = []
        for prompt in trace.prompts():
            asked.append(asyncio.create_task(self._ask(prompt)))
            await asyncio.sleep(APART_S)
        began_s = time.monotonic()
        await self._post("/resume")
        usages = await asyncio.gather(*asked)
        return _outcome(usages, await self._preemptions() - preempted, time.monotonic() - began_s)

    async def side_by_side(self, trace: Trace) -> Outcome:
        """Each session in closed loop, from an empty cache."""
        await self._reset()
        preempted, began_s = await self._preemptions(), time.monotonic()
        usages = await asyncio.gather(*(self._session_of(prompts) for prompts in trace.by_session()))
        wall_s = time.monotonic() - began_s
        return _outcome([usage for each in usages for usage in each], await self._preemptions() - preempted, wall_s)

    async def times(self, max_batched_tokens: int, repeats: int = 5) -> Times:
        """The constants of the engine model, measured on the idle server: medians of a few requests."""
        await self._ask(_fresh(0, 32, 8))

        async def seconds(new_tokens: int, output_tokens: int, side_by_side: int = 1) -> float:
            taken = []
            for repeat in range(repeats):
                await self._reset()
                seeds = range(1 + repeat * side_by_side, 1 + (repeat + 1) * side_by_side)
                began_s = time.monotonic()
                await asyncio.gather(*(self._ask(_fresh(seed, new_tokens, output_tokens)) for seed in seeds))
                taken.append(time.monotonic() - began_s)
            return median(taken)

        short, long, middle, many, steps = 64, 1_984, 256, 8, 100
        first, prefilled = await seconds(short, 1), await seconds(long, 1)
        alone, together = await seconds(short, 1 + steps), await seconds(middle, 1 + steps, many)
        together_first = await seconds(middle, 1, many)
        step_s = (alone - first) / steps
        more_s = (together - together_first) / steps - step_s
        more_tokens = (many - 1) * (middle + steps / 2)
        more_steps = math.ceil(long / max_batched_tokens) - 1
        prefill_s_per_token = max(1e-6, (prefilled - first - more_steps * step_s) / (long - short))
        overhead_s = first - step_s - short * prefill_s_per_token
        return Times(1 / prefill_s_per_token, step_s, max(0.0, more_s / more_tokens), max(0.0, overhead_s))

    async def _session_of(self, prompts: list[Prompt]) -> list[dict[str, Any]]:
        usages = []
        for prompt in prompts:
            usages.append(await self._ask(prompt))
            await asyncio.sleep(prompt.turn.think_s)
        return usages

    async def _ask(self, prompt: Prompt) -> dict[str, Any]:
        body = {
            "model": "tiny",
            "prompt": prompt.tokens,
            "max_tokens": len(prompt.output),
            "allowed_token_ids": prompt.output[:1],
            "ignore_eos": True,
            "temperature": 1.0,
        }
        async with self._session.post(f"{self._url}/v1/completions", json=body) as answer:
            if answer.status != 200:
                raise RuntimeError(f"vLLM answered {answer.status}: {await answer.text()}")
            usage: dict[str, Any] = (await answer.json())["usage"]
        if usage["completion_tokens"] != len(prompt.output):
            raise RuntimeError(f"vLLM said {usage['completion_tokens']} tokens of {len(prompt.output)}")
        return usage

    async def _reset(self) -> None:
        await self._post("/reset_prefix_cache")

    async def _post(self, path: str) -> None:
        async with self._session.post(self._url + path) as answer:
            answer.raise_for_status()

    async def _preemptions(self) -> int:
        async with self._session.get(f"{self._url}/metrics") as answer:
            found = re.search(r"^vllm:num_preemptions_total\{.*\} (\S+)", await answer.text(), re.MULTILINE)
        if found is None:
            raise RuntimeError("vLLM's metrics have no vllm:num_preemptions_total")
        return int(float(found[1]))


def _fresh(seed: int, tokens: int, output_tokens: int) -> Prompt:
    trace = Trace(0, (Turn(0, 1_000_000_000 + seed, tokens, output_tokens),))
    return next(trace.prompts())


def _outcome(usages: list[dict[str, Any]], preemptions: int, wall_s: float) -> Outcome:
    return Outcome(
        prompt_tokens=tuple(usage["prompt_tokens"] for usage in usages),
        cached_tokens=tuple((usage["prompt_tokens_details"] or {}).get("cached_tokens") or 0 for usage in usages),
        preemptions=preemptions,
        wall_s=wall_s,
        output_tokens=sum(usage["completion_tokens"] for usage in usages),
    )
