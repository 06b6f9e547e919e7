"""The web application over one simulated engine."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Literal

from aiohttp import web

from thunderagent.adapters.engines.simulated.answers import Answers
from thunderagent.adapters.engines.simulated.chat import ChatEndpoint
from thunderagent.adapters.engines.simulated.completions import CompletionsEndpoint
from thunderagent.adapters.engines.simulated.control import ControlEndpoints
from thunderagent.adapters.engines.simulated.driver import EngineDriver
from thunderagent.adapters.engines.simulated.errors import errors_as_json
from thunderagent.adapters.engines.simulated.generate import GenerateEndpoint
from thunderagent.adapters.engines.simulated.identity import IdentityEndpoints
from thunderagent.adapters.engines.simulated.messages import MessagesEndpoint
from thunderagent.adapters.engines.simulated.responses import ResponsesEndpoint
from thunderagent.adapters.engines.simulated.service import Service
from thunderagent.adapters.engines.simulated.sglang import SglangEndpoint
from thunderagent.adapters.engines.simulated.sglang_control import SglangControlEndpoints
from thunderagent.adapters.engines.simulated.tokenizer import Tokenizer
from thunderagent.simulation import SimulatedEngine

# A prompt of 10 million token ids; aiohttp's default of 1 MiB holds less than 200,000.
MAX_BODY_BYTES = 64 << 20

Dialect = Literal["vllm", "sglang"]
DIALECTS: tuple[Dialect, ...] = ("vllm", "sglang")
DRIVER = web.AppKey("driver", EngineDriver)


def build_app(
    engine: SimulatedEngine,
    answers: Answers,
    tokenizer: Tokenizer,
    *,
    dialect: Dialect = "vllm",
    model_name: str = "simulated",
    time_scale: float = 1.0,
    max_model_len_tokens: int | None = None,
    seed: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> web.Application:
    """The server as an aiohttp application; run it with `web.AppRunner(app, handler_cancellation=True)`.

    Without `handler_cancellation` a client's disconnect does not abort its request.

    Args:
        engine: the model; the application owns it from now on.
        answers: what it says.
        tokenizer: its tokenizer.
        dialect: whose pages and controls it has; prompts are taken at all endpoints in either.
        model_name: the name clients use.
        time_scale: simulated seconds per wall second.
        max_model_len_tokens: longest prompt plus output; the KV capacity if None.
        seed: of the made-up logprobs.
        clock: wall seconds, monotonic.

    Raises:
        ValueError: `time_scale` is not positive or `max_model_len_tokens` not between 2 and the KV capacity.
    """
    usable_tokens = engine.spec.usable_tokens
    if max_model_len_tokens is None:
        max_model_len_tokens = usable_tokens
    if not 2 <= max_model_len_tokens <= usable_tokens:
        raise ValueError(f"max_model_len_tokens is {max_model_len_tokens}, it must be between 2 and {usable_tokens}")
    driver = EngineDriver(engine, time_scale=time_scale, clock=clock)
    service = Service(driver, answers, tokenizer, model_name, max_model_len_tokens, random.Random(seed))
    generate = GenerateEndpoint(service)
    control = SglangControlEndpoints(service) if dialect == "sglang" else ControlEndpoints(service)
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[errors_as_json])
    app[DRIVER] = driver
    app.add_routes(
        [
            web.post("/inference/v1/generate", generate.generate),
            web.post("/skyrl/v1/generate", generate.generate),
            web.post("/v1/chat/completions", ChatEndpoint(service).complete),
            web.post("/v1/completions", CompletionsEndpoint(service).complete),
            web.post("/v1/messages", MessagesEndpoint(service).create),
            web.post("/v1/responses", ResponsesEndpoint(service).create),
            web.post("/generate", SglangEndpoint(service).generate),
            *IdentityEndpoints(service, "sglang" if dialect == "sglang" else "thunderagent").routes(),
            *control.routes(),
        ]
    )
    app.cleanup_ctx.append(_drive)
    return app


async def _drive(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[DRIVER].run(), name="simulated engine")
    yield
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):  # A failure has reached the clients and /health already.
        await task
