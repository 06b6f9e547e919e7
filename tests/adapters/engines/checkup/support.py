"""Servers to be looked at, each on a real socket and in a loop of its own: the command under test runs one itself."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from tests.adapters.engines.simulated.support import TOKENIZER, Scripted
from thunderagent.adapters.engines.simulated import build_app
from thunderagent.simulation import EngineSpec, SimulatedEngine

SPEC = EngineSpec(kv_capacity_tokens=4096, prefill_tokens_per_s=10_000.0, decode_step_s=0.01, decode_s_per_kv_token=1e-7)


@contextmanager
def served(app: web.Application, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """An application, running; its URL."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        yield f"http{'' if tls is None else 's'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def embedded(name: str = "simulated") -> Iterator[str]:
    """The embedded engine, which has a lot to say."""
    app = build_app(SimulatedEngine(SPEC), Scripted("hello " * 1_000), TOKENIZER, model_name=name)
    with served(app) as url:
        yield url


@contextmanager
def raw(answer: bytes, *, hangs: bool = False) -> Iterator[str]:
    """Whatever is sent to it, it sends these bytes, and closes the connection unless it ``hangs``."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(65_536)
            connection.sendall(answer)
            if hangs:
                kept.append(connection)
            else:
                connection.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
        for connection in kept:
            connection.close()


@dataclass(frozen=True, slots=True)
class Canned:
    """An answer that is always the same."""

    body: bytes | str
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return web.Response(body=body, status=self.status, headers={"Content-Type": self.content_type, **self.headers})


def text(body: str) -> Canned:
    """A page of metrics."""
    return Canned(body, content_type="text/plain; version=0.0.4")


def told(body: Any) -> Canned:
    """A page of JSON."""
    return Canned(json.dumps(body))


VLLM_METRICS = """\
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.79567884102e+09
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 0.0
vllm:num_requests_waiting{engine="0",model_name="tiny"} 0.0
vllm:prompt_tokens_created{engine="0",model_name="tiny"} 1.7956789894611144e+09
vllm:cache_config_info{block_size="32",enable_prefix_caching="ON",kv_cache_size_tokens="8224",num_gpu_blocks="257",engine="0"} 1
"""
"""Lines of vLLM 0.32, as `scripts/real-vllm` served it."""


@dataclass(frozen=True)
class Recorded:
    """An engine that answers with pages: those of vLLM 0.32, with which a test does what it likes."""

    pages: dict[str, Canned]

    @classmethod
    def vllm(cls, *, prefix_caching: bool = True) -> Recorded:
        return cls(
            {
                "/v1/models": told({"object": "list", "data": [{"id": "tiny", "owned_by": "vllm", "max_model_len": 4096}]}),
                "/metrics": text(VLLM_METRICS.replace("ON", str(prefix_caching))),
                "/version": told({"version": "0.32.0"}),
                "/kv_event_sources": told({}),
            }
        )

    @classmethod
    def sglang(cls, **arguments: Any) -> Recorded:
        """With these of its arguments; the shapes are SGLang 0.5's."""
        load = {"dp_rank": 0, "max_total_num_tokens": 8192, "token_usage": 0.0, "num_running_reqs": 0, "num_waiting_reqs": 0}
        info = {"version": "0.5.23", "page_size": 1, "max_total_num_tokens": 8192, "dp_size": 1, **arguments}
        return cls(
            {
                "/v1/models": told({"object": "list", "data": [{"id": "tiny", "owned_by": "sglang", "max_model_len": 4096}]}),
                "/v1/loads": told({"version": "0.5.23", "loads": [load]}),
                "/server_info": told(info),
            }
        )

    def having(self, **pages: Canned) -> Recorded:
        """With other pages; their paths without the first ``/``, and with ``__`` for the others."""
        return replace(self, pages={**self.pages, **{f"/{path.replace('__', '/')}": page for path, page in pages.items()}})

    def app(self) -> web.Application:
        app = web.Application()
        for path, page in self.pages.items():
            app.router.add_route("*", path, page.answer)
        return app


def completion(usage: dict[str, Any] | None) -> Canned:
    """An answer to a chat request; streamed or not, it is this."""
    return told({"choices": [{"message": {"role": "assistant", "content": "a"}}], **({"usage": usage} if usage else {})})
