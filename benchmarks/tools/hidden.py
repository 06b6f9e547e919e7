"""How much of the preparation of sandboxes no program waits for."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

from benchmarks.report import Figure
from benchmarks.tools.containers import IMAGE, Containers
from recipes.common.config import EngineConfig
from recipes.common.engine import end_engine, start_engine
from recipes.common.tokenizer import save_byte_tokenizer
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.client import Program
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway
from thunderagent.tools_config import ToolsConfig

PROGRAMS, TURNS = 48, 3
PREPARE_S = 1.5
"""Beyond what the container itself takes."""
PROMPT_CHARACTERS = 6_000
"""The embedded engine's tokenizer makes a token of each."""
ENGINE = EngineConfig(kv_capacity_tokens=64_000, prefill_tokens_per_s=9_000, time_scale=1.0)
"""Holds some ten programs; a first turn takes a second or two."""
MODEL = "simulated"


@dataclass(frozen=True, slots=True)
class Rollout:
    """Of all programs."""

    took_s: float
    snapshot: dict[str, float]


async def measure(containers: Containers) -> dict[str, Figure]:
    """Ahead, and when asked for."""
    ahead = await rollout(containers, ahead=True)
    asked = await rollout(containers, ahead=False)
    return {
        "preparation_hidden": Figure(100 * ahead.snapshot["overlapped_share"], "%", at_least=85),
        "preparation_hidden_when_asked_for": Figure(100 * asked.snapshot["overlapped_share"], "%"),
        "preparation": Figure(ahead.snapshot["prepare_s"] / PROGRAMS, "s"),
        "waited_per_program": Figure(ahead.snapshot["waited_s"] / PROGRAMS, "s"),
        "waited_per_program_when_asked_for": Figure(asked.snapshot["waited_s"] / PROGRAMS, "s"),
        "time_ahead_over_when_asked_for": Figure(ahead.took_s / asked.took_s, "x"),
    }


async def rollout(containers: Containers, *, ahead: bool) -> Rollout:
    """All programs at once, each with a sandbox of its own."""
    tools = ToolsConfig(backend="docker", docker_url=containers.url, image=IMAGE, setup=f"sleep {PREPARE_S}", ahead=ahead)
    with tempfile.TemporaryDirectory(prefix="thunderagent-tools-") as directory:
        here = Path(directory)
        process, engine = start_engine(
            ENGINE,
            tokenizer=save_byte_tokenizer(here),
            model_name=MODEL,
            answers="thunderagent.adapters.engines.simulated.answers:echo",
            port_file=here / "url",
            log=here / "engine.log",
        )
        gateway = EmbeddedGateway(ThunderConfig(), GatewaySettings(port=0), [engine], tools=tools)
        try:
            url = await asyncio.to_thread(gateway.start)
            began_s = time.monotonic()
            async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
                await asyncio.gather(*(agent(f"agent-{number}", url, client) for number in range(PROGRAMS)))
            took_s = time.monotonic() - began_s
            return Rollout(took_s, await asyncio.to_thread(gateway.call, lambda serving: serving.session.tools.snapshot()))
        finally:
            await asyncio.to_thread(gateway.stop)
            end_engine(process)


async def agent(program_id: str, url: str, client: AsyncOpenAI) -> None:
    """Turn, command, turn, command, turn, command."""
    messages: list[Any] = [{"role": "user", "content": f"{program_id} " + "x" * PROMPT_CHARACTERS}]
    async with Program(program_id, url) as program:
        sandbox = None
        for _ in range(TURNS):
            answer = await client.chat.completions.create(
                model=MODEL, messages=messages, max_tokens=64, extra_body=program.extra_body
            )
            messages.append({"role": "assistant", "content": answer.choices[0].message.content})
            sandbox = sandbox or await program.acquire()
            output = await sandbox.execute(f"echo {program_id}; sleep 0.2")
            assert output.text == f"{program_id}\n", output
            messages.append({"role": "user", "content": output.text})
