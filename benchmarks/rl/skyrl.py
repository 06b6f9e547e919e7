"""SkyRL's client, plain and ours, in one process and on one loop: CPU of a turn, and what a weight sync waits for."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import Figure
from benchmarks.rl.engine import FAST, running
from benchmarks.rl.paired import extra_cpu_ms
from thunderagent.adapters.engines.reading import EngineKind
from thunderagent.adapters.skyrl.client import ThunderClient
from thunderagent.adapters.skyrl.hosts import InProcess
from thunderagent.config import ThunderConfig
from thunderagent.session import Session

PROMPT_TOKENS, TURNS_OF_A_PROGRAM = 2_000, 5
"""At the first turn, and how many there are: blocks of turns are of whole programs."""
SYNCS, WAITING = 20, 8
"""Weight syncs of each kind, and turns that arrive during each."""


def figures() -> dict[str, Figure]:
    """All of them."""
    with running(FAST, "vllm") as (url, tokenizer):
        return asyncio.run(_measure(url, tokenizer))


async def _measure(url: str, tokenizer: Path) -> dict[str, Figure]:
    session = Session(ThunderConfig(), [url], kind=EngineKind.SKYRL)
    async with _client(url, tokenizer) as plain, _client(url, tokenizer) as ours:
        ours._thunder = InProcess(session)
        extra_ms, plain_ms = await extra_cpu_ms(
            lambda number: _turn(plain, number), lambda number: _turn(ours, number), time.thread_time
        )
        held_up = [await _sync_s(ours) - await _sync_s(plain) for _ in range(SYNCS)]
        await session.stop()
    return {
        "SkyRL: CPU of a turn beyond the plain client's": Figure(extra_ms, "ms", at_most=0.3),
        "SkyRL: CPU of a turn, plain client": Figure(plain_ms, "ms"),
        "SkyRL: weight sync held up, median": Figure(median(held_up) * 1e3, "ms", at_most=50),
        "SkyRL: weight sync held up, worst": Figure(max(held_up) * 1e3, "ms"),
    }


def _client(url: str, tokenizer: Path) -> ThunderClient:
    """Without a host it is SkyRL's own but for two looks at attributes."""
    from transformers import AutoTokenizer

    return ThunderClient(
        proxy_url=url,
        server_urls=[url],
        data_parallel_size=1,
        model_name=str(tokenizer),
        tokenizer=AutoTokenizer.from_pretrained(str(tokenizer)),
    )


async def _turn(client: ThunderClient, number: int) -> None:
    program, turn = divmod(number, TURNS_OF_A_PROGRAM)
    session = f"{program}_0"
    tokens = [(program + place) % 200 for place in range(PROMPT_TOKENS + 100 * turn)]
    sampling = {"max_tokens": 2, "logprobs": 0}
    batch: Any = {"prompt_token_ids": [tokens], "session_ids": [session], "sampling_params": sampling}
    await client.generate(batch)
    if turn == TURNS_OF_A_PROGRAM - 1:
        await client.finish_session(session)


async def _sync_s(client: ThunderClient) -> float:
    """Seconds of a sync in which nothing is done: until the engine is paused, and from resuming until a turn is answered."""
    began_s = time.perf_counter()
    await client.pause()
    paused_s = time.perf_counter() - began_s
    waiting = [asyncio.create_task(_turn(client, 1_000_000 + TURNS_OF_A_PROGRAM * number)) for number in range(WAITING)]
    await asyncio.sleep(0.02)  # they have arrived, and wait
    began_s = time.perf_counter()
    await client.resume()
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    first_s = time.perf_counter() - began_s
    await asyncio.gather(*waiting)
    return paused_s + first_s
