"""``python -m examples.anthropic_client``"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from collections.abc import Sequence

from anthropic import AnthropicError, AsyncAnthropic

from examples import imports
from examples.anthropic_client.agent import Agent
from examples.common import Served, main, parser
from examples.outcome import Outcome

ABOUT = "Agents with tools through Anthropic's client, every second one streamed: they look for imports in Python's library."


async def agents(where: Served, options: argparse.Namespace) -> Sequence[Outcome]:
    """All at once."""
    run = uuid.uuid4().hex[:6]
    async with AsyncAnthropic(base_url=where.url, api_key=where.api_key) as client:  # without /v1
        return await asyncio.gather(*(_one(client, where.model, run, number) for number in range(options.agents)))


async def _one(client: AsyncAnthropic, model: str, run: str, number: int) -> Outcome:
    package = imports.PACKAGES[number % len(imports.PACKAGES)]
    agent = Agent(client, model, f"anthropic-{run}-{number}", imports.FUNCTIONS, imports.definitions(), stream=number % 2 == 1)
    try:
        answer = await agent.run(imports.SYSTEM, imports.question(package))
    except AnthropicError as error:
        return Outcome(agent.program_id, False, f"{package}: {error}")
    return Outcome(agent.program_id, *imports.verdict(package, answer))


if __name__ == "__main__":
    main(parser("anthropic_client", ABOUT, agents=8).parse_args(), agents, answers="examples.imports:scripted")
