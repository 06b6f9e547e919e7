"""A small world of slime: its router, engines behind it, its arguments. slime itself is the real one."""

from __future__ import annotations

import asyncio
import json
import threading
from argparse import Namespace
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from recipes.common.tokenizer import byte_tokenizer
from thunderagent.adapters.engines.simulated import Answers, ChatMLTokenizer, build_app
from thunderagent.simulation import EngineSpec, SimulatedEngine

T = TypeVar("T")
WITHOUT = "slime is not importable: scripts/with-slime PATH runs these tests with a checkout"


class Fixed:
    """Says the same always."""

    def __init__(self, text: str = "an answer of some forty characters or so.") -> None:
        self.text = text

    def answer(self, prompt_text: str, session_id: str | None) -> str:
        return self.text


class Searching:
    """Searches, searches again, answers: as often as it was told something."""

    def answer(self, prompt_text: str, session_id: str | None) -> str:
        found = prompt_text.count("<information>")
        return f"<search>fact {found}</search>" if found < 2 else "<answer>7</answer>"


class Engine:
    """One simulated engine on a port, and what was asked of it."""

    def __init__(self, spec: EngineSpec, answers: Answers, time_scale: float) -> None:
        self.engine = SimulatedEngine(spec)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        """Paths and JSON bodies."""
        app = build_app(self.engine, answers, ChatMLTokenizer(byte_tokenizer()), dialect="sglang", time_scale=time_scale)
        app.middlewares.append(self._noting)
        self.on_work: Callable[[], object] | None = None
        """Called once, with the next request to generate."""
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.01)
        self.url = ""

    def calls(self, path: str) -> list[dict[str, Any]]:
        """Bodies of all requests to it."""
        return [body for at, body in self.asked if at == path]

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def _noting(self, request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]) -> Any:
        if request.method == "POST":
            self.asked.append((request.path, json.loads(await request.read() or b"{}")))
        if request.path == "/generate" and self.on_work is not None:
            on_work, self.on_work = self.on_work, None
            on_work()
        return await handler(request)


class World:
    """Engines behind a router, all on a loop in a thread of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engines: list[Engine] = []
        self.routed = 0
        """Requests that came to the router instead of the scheduler."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = self.run(self._start_router())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """On the world's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def engine(self, answers: Answers | None = None, *, time_scale: float = 20.0, **spec: Any) -> Engine:
        """One more, behind the router."""
        given = {"kv_capacity_tokens": 20_000, "prefill_tokens_per_s": 50_000.0, "decode_step_s": 0.02} | spec
        engine = Engine(EngineSpec(decode_s_per_kv_token=0.0, **given), answers or Fixed(), time_scale)
        self.run(engine.start())
        self.engines.append(engine)
        return engine

    def kill(self, engine: Engine) -> None:
        """It dies, and slime's router forgets it."""
        self.run(self._kill(engine))

    def kill_at_work(self, engine: Engine) -> None:
        """The same, as soon as it has something to do."""
        engine.on_work = lambda: self._loop.create_task(self._kill(engine))

    async def _kill(self, engine: Engine) -> None:
        self.engines.remove(engine)
        await engine.stop()

    def close(self) -> None:
        for engine in tuple(self.engines):
            self.kill(engine)
        self.run(self._router.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start_router(self) -> int:
        app = web.Application(client_max_size=1 << 28)
        app.add_routes([web.get("/workers", self._workers), web.post("/generate", self._generate)])
        self._router = web.AppRunner(app, access_log=None)
        await self._router.setup()
        await web.TCPSite(self._router, "127.0.0.1", 0).start()
        port: int = self._router.addresses[0][1]
        return port

    async def _workers(self, request: web.Request) -> web.Response:
        workers = [{"id": str(i), "url": engine.url, "worker_type": "regular"} for i, engine in enumerate(self.engines)]
        return web.json_response({"workers": workers})

    async def _generate(self, request: web.Request) -> web.Response:
        self.routed += 1
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.engines[0].url + "/generate", data=await request.read()) as answer,
        ):
            return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")

    # slime's arguments

    def args(self, **more: Any) -> Namespace:
        """As its command line makes them."""
        return Namespace(**self._defaults() | more)

    def _defaults(self) -> dict[str, Any]:
        return {
            **{"hf_checkpoint": str(self.folder / "model"), "sglang_router_ip": "127.0.0.1", "sglang_router_port": self.port},
            **{"sglang_model_routers": {"default": ("127.0.0.1", self.port)}, "router_policy": "consistent_hashing"},
            **{"sglang_server_concurrency": 64, "rollout_num_engines": len(self.engines), "use_distributed_post": False},
            **{"sglang_dp_size": 1, "sglang_enable_deterministic_inference": False, "rollout_seed": 42, "ci_test": False},
            **{"rollout_temperature": 1.0, "rollout_top_p": 1.0, "rollout_top_k": -1, "rollout_max_response_len": 64},
            **{"rollout_max_context_len": None, "rollout_max_prompt_len": None, "rollout_stop": None},
            **{"rollout_stop_token_ids": None, "rollout_skip_special_tokens": False, "rollout_global_dataset": True},
            **{"n_samples_per_prompt": 4, "rollout_batch_size": 3, "over_sampling_batch_size": 3, "global_batch_size": 12},
            **{"dynamic_sampling_filter_path": None, "rollout_sample_filter_path": None, "buffer_filter_path": None},
            **{"rollout_all_samples_process_path": None, "rollout_sample_hook_path": [], "partial_rollout": False},
            **{"mask_offpolicy_in_partial_rollout": False, "use_rollout_routing_replay": False, "group_rm": False},
            **{"rollout_function_path": "thunderagent.adapters.slime.generate_rollout", "custom_rm_path": None},
            **{"custom_generate_function_path": "thunderagent.adapters.slime.generate", "rm_type": "random"},
            **{"reward_key": None, "eval_reward_key": None, "prompt_data": self._prompts(32), "input_key": "input"},
            **{"label_key": "label", "metadata_key": "metadata", "tool_key": None, "multimodal_keys": None},
            **{"apply_chat_template": True, "apply_chat_template_kwargs": {}, "rollout_shuffle": False},
            **{"eval_datasets": [], "eval_max_prompt_len": None, "eval_min_new_tokens": None, "dump_details": None},
        }

    def _prompts(self, count: int) -> str:
        path = self.folder / "prompts.jsonl"
        rows: Sequence[dict[str, Any]] = [
            {
                "input": [{"role": "user", "content": f"question {i}"}],
                "label": {"ground_truth": {"target": ["7"]}},
                "metadata": {"k": i},
            }
            for i in range(count)
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)
