"""All agents at once, before one address."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable

from openai import APIConnectionError, AsyncOpenAI, OpenAIError

from recipes.serve.agents.agent import Agent, Plan, Step
from recipes.serve.agents.tally import Tally
from thunderagent.errors import ConfigError

TURN_TIMEOUT_S = 600.0
"""Under overload a turn may be held back for minutes."""
LOOK_TIMEOUT_S = 10.0
"""For the list of models."""


async def run_crowd(
    url: str, agents: int, plan: Plan, *, api_key: str, model: str | None = None, seed: int = 0, on_step: Callable[[Tally], None]
) -> Tally:
    """Run them to their end. Sizes and pauses are those of the seed; what is said is new each time, so no cache knows it.

    Raises:
        ConfigError: nothing answers at ``url``, or it serves no model.
    """
    tally, run = Tally(), uuid.uuid4().hex[:8]
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key=api_key, timeout=TURN_TIMEOUT_S, max_retries=2) as client:
        served = await _model(client, url, model)
        begin_s = time.perf_counter()

        def count(step: Step) -> None:
            tally.steps.append(step)
            tally.span_s = time.perf_counter() - begin_s
            on_step(tally)

        crowd = [Agent(client, url, served, plan, f"{run}-{i}", f"{seed}/{i}", count) for i in range(agents)]
        await asyncio.gather(*(agent.run() for agent in crowd))
    return tally


async def _model(client: AsyncOpenAI, url: str, wanted: str | None) -> str:
    """The wanted one, else the first that is served."""
    try:
        models = await client.with_options(timeout=LOOK_TIMEOUT_S, max_retries=0).models.list()
    except APIConnectionError as error:
        raise ConfigError("--url", url, f"nothing answers there: {error}") from None
    except OpenAIError as error:
        if wanted is not None:
            return wanted
        raise ConfigError("--url", url, f"no models are served there ({error}); name one with --model") from None
    if wanted is None and not models.data:
        raise ConfigError("--url", url, "no models are served there; name one with --model")
    return wanted or models.data[0].id
