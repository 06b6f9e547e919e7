"""``python -m examples.openhands_like``"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from collections.abc import Sequence
from pathlib import Path

from openai import AsyncOpenAI, OpenAIError

from examples.common import Served, main, parser
from examples.openhands_like.agent import Agent
from examples.outcome import Outcome
from examples.packing import unpacking
from thunderagent.client import Program
from thunderagent.errors import SandboxError

ABOUT = (
    "Agents with a shell, files, a browser and sub-agents, each of them one program with one sandbox: they repair a small shop."
)
PROJECT = Path(__file__).parent / "project"
TASK = "Customers say that shop/price.py gets some totals wrong by a cent. Find the rule in the handbook, repair it, add a test."
CHECK = """python3 -c "from shop.price import total; assert total(['0.25'], 50) == '0.13'" && python3 -m unittest -q"""


async def agents(where: Served, options: argparse.Namespace) -> Sequence[Outcome]:
    """All at once."""
    run = uuid.uuid4().hex[:6]
    async with AsyncOpenAI(base_url=f"{where.url}/v1", api_key=where.api_key) as client:
        ids = [f"openhands-{run}-{number}" for number in range(options.agents)]
        return await asyncio.gather(*(_one(client, where, program_id, options.image) for program_id in ids))


async def _one(client: AsyncOpenAI, where: Served, program_id: str, image: str) -> Outcome:
    key = None if where.api_key == "none" else where.api_key
    try:
        async with (
            Program(program_id, where.url, key) as program,  # released at the end, with its sandbox
            program.sandbox(image=image, setup=unpacking(PROJECT)) as sandbox,
        ):
            agent = Agent(client, where.model, program, sandbox)
            await agent.run(TASK)
            check = await sandbox.execute(CHECK)
    except (OpenAIError, SandboxError) as error:
        return Outcome(program_id, False, str(error))
    came_to = "repaired" if check.exit_code == 0 else f"not repaired: {check.text.strip()[-100:]}"
    return Outcome(program_id, check.exit_code == 0, f"{came_to}, with {len(agent.counted)} sub-agents")


if __name__ == "__main__":
    options = parser("openhands_like", ABOUT, agents=4, tools=True).parse_args()
    main(options, agents, answers="examples.openhands_like.policy:scripted", tools=True)
