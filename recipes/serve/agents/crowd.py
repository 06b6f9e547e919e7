"""All agents at once, before one address."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable

from openai import AsyncOpenAI, OpenAIError

from recipes.serve.agents.agent import Agent, Plan, Step
from recipes.serve.agents.tally import Tally
from thunderagent.errors import ConfigError

TURN_TIMEOUT_S = 600.0
"""Under overload a turn may be held back for minutes."""


async def run_crowd(
    url: str, agents: int, plan: Plan, *, api_key: str, model: str | None = None, seed: int = 0, on_step: Callable[[Tally], None]
) -> Tally:
    """Run them to their end. Sizes and pauses are those of the seed; what is said is new each time, so no cache knows it.

    Raises:
        ConfigError: nothing answers at ``url``, or it serves no model.
    """
    tally, run = Tally(), uuid.uuid4().hex[:8]
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key=api_key, timeout=TURN_TIMEOUT_S, max_retries=2) as client:
        served = model or await _first_model(client, url)
        begin_s = time.perf_counter()

        def count(step: Step) -> None:
            tally.steps.append(step)
            tally.span_s = time.perf_counter() - begin_s
            on_step(tally)

        crowd = [Agent(client, url, served, plan, f"{run}-{i}", f"{seed}/{i}", count) for i in range(agents)]
        await asyncio.gather(*(agent.run() for agent in crowd))
    return tally


async def _first_model(client: AsyncOpenAI, url: str) -> str:
    try:
        models = await client.with_options(timeout=10.0, max_retries=0).models.list()
    except OpenAIError as error:
        raise ConfigError("--url", url, f"no models are served there: {error}") from None
    if not models.data:
        raise ConfigError("--url", url, "no models are served there; name one with --model")
    return models.data[0].id
