"""A served simulated engine on a real socket, and a client for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from thunderagent.adapters.engines.simulated import Answers, ChatMLTokenizer, build_app
from thunderagent.simulation import EngineSpec, SimulatedEngine

T = TypeVar("T")


class Scripted:
    """Answers all prompts with one text and remembers what it was asked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked: list[tuple[str, str | None]] = []

    def answer(self, prompt_text: str, session_id: str | None) -> str:
        self.asked.append((prompt_text, session_id))
        return self.text


@dataclass
class Server:
    """What a scenario talks to."""

    url: str
    http: aiohttp.ClientSession
    engine: SimulatedEngine
    die: Callable[[], Awaitable[None]]
    """Nobody answers any more."""

    async def events(self, path: str, body: Any) -> list[str]:
        """The events of a stream, as they are."""
        async with self.http.post(self.url + path, json=body) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "text/event-stream"
            return (await response.text()).removesuffix("\n\n").split("\n\n")

    async def post(self, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        async with self.http.post(self.url + path, json=body, **options) as response:
            return response.status, await response.json(content_type=None)

    async def get(self, path: str) -> tuple[int, str]:
        async with self.http.get(self.url + path) as response:
            return response.status, await response.text()

    async def generate(self, token_ids: list[int], max_tokens: int | None = None, **fields: Any) -> dict[str, Any]:
        body = {"token_ids": token_ids, "sampling_params": {"max_tokens": max_tokens}, **fields}
        status, answer = await self.post("/inference/v1/generate", body)
        assert status == 200, answer
        return dict(answer)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - the engine is pure, it has nothing to wait on
                await asyncio.sleep(0.002)


def byte_tokenizer() -> Tokenizer:
    """One token per byte, and ChatML's special tokens."""
    vocabulary = {character: index for index, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in ("<|im_start|>", "<|im_end|>")])
    return tokenizer


TOKENIZER = ChatMLTokenizer(byte_tokenizer())
EOS = TOKENIZER.eos_token_id
SPEC = EngineSpec(kv_capacity_tokens=4096, prefill_tokens_per_s=10_000.0, decode_step_s=0.01, decode_s_per_kv_token=1e-7)


@asynccontextmanager
async def running(
    answers: Answers | None = None, *, time_scale: float = 100.0, spec: EngineSpec = SPEC, **options: Any
) -> AsyncIterator[Server]:
    """A server of its own."""
    engine = SimulatedEngine(spec)
    app = build_app(engine, answers or Scripted("hello"), TOKENIZER, time_scale=time_scale, **options)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as http:
            yield Server(url, http, engine, runner.cleanup)
    finally:
        await runner.cleanup()


def serve(scenario: Callable[[Server], Awaitable[T]], answers: Answers | None = None, **options: Any) -> T:
    """Run a scenario against a server of its own (``running``); it may take 10 s."""

    async def main() -> T:
        async with running(answers, **options) as server, asyncio.timeout(10):
            return await scenario(server)

    return asyncio.run(main())
