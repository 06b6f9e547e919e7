"""Agents in a closed loop: turns that grow, a pause after each. What they send is drawn by the seed, as tokens."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from tests.engines.kinds import Answer, Kind

TOKENS = range(10, 1_000)
"""That prompts are made of: none of them is special."""
COMES_BACK_S = 0.5
"""After an answer that asks for it without saying when, or none at all."""
PATIENCE_S = 280.0
"""An agent that is still refused after so long fails."""


@dataclass(frozen=True)
class Load:
    """What the agents do."""

    agents: int
    turns: int
    seed: int = 0
    shared_tokens: int = 128
    """That all prompts begin with."""
    first_tokens: int = 320
    """Of an agent's own first prompt."""
    observation_tokens: tuple[int, int] = (50, 150)
    """Least and most that a tool adds."""
    answer_tokens: tuple[int, int] = (20, 60)
    think_s: float = 0.1
    """Mean pause, exponential."""


@dataclass
class Tally:
    """What came of it."""

    answers: list[Answer] = field(default_factory=list)
    sent_again: int = 0
    """Requests that were refused, or broken off, and came again."""

    @property
    def cached_tokens(self) -> int:
        return sum(answer.cached_tokens for answer in self.answers)

    @property
    def hit_rate(self) -> float:
        """Share of all prompt tokens."""
        return self.cached_tokens / sum(answer.prompt_tokens for answer in self.answers)


@dataclass
class Client:
    """Sends turns to one address, and counts."""

    kind: Kind
    session: aiohttp.ClientSession
    tally: Tally = field(default_factory=Tally)

    async def ask(self, program: str, prompt: list[int], answer_tokens: int) -> Answer:
        """One turn; as SDKs do, it is sent again where the other side says so or breaks off.

        Raises:
            AssertionError: it is refused in another way, for too long, or answered with less than was asked for.
        """
        deadline_s = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            wait_s = COMES_BACK_S
            try:
                headers, body = {"X-Program-ID": program}, self.kind.turn(prompt, answer_tokens)
                async with self.session.post(self.kind.path, json=body, headers=headers) as response:
                    if response.status == 200:
                        answer = self.kind.read(await response.json())
                        assert len(answer.token_ids) == answer_tokens
                        return answer
                    said = f"{response.status} {await response.text()}"
                    assert response.status in (502, 503), said
                    wait_s = float(response.headers.get("retry-after", wait_s))
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
                said = repr(error)
            assert asyncio.get_running_loop().time() < deadline_s, said
            self.tally.sent_again += 1
            await asyncio.sleep(wait_s)


@asynccontextmanager
async def client_of(kind: Kind, url: str) -> AsyncIterator[Client]:
    """For one engine or gateway."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(url, timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Client(kind, session)


async def run(kind: Kind, url: str, load: Load, on_answer: Callable[[Tally], None] = lambda tally: None) -> Tally:
    """All agents, at an engine or a gateway.

    Raises:
        AssertionError: an agent was not answered as it should be.
    """
    async with client_of(kind, url) as client:
        await asyncio.gather(*(_agent(client, load, i, on_answer) for i in range(load.agents)))
    return client.tally


async def _agent(client: Client, load: Load, number: int, on_answer: Callable[[Tally], None]) -> None:
    draw = random.Random(f"{load.seed}/{number}")
    program = f"agent-{load.seed}-{number}"
    context = random.Random(load.seed).choices(TOKENS, k=load.shared_tokens) + draw.choices(TOKENS, k=load.first_tokens)
    for _ in range(load.turns):
        answer = await client.ask(program, context, draw.randint(*load.answer_tokens))
        client.tally.answers.append(answer)
        on_answer(client.tally)
        await asyncio.sleep(draw.expovariate(1 / load.think_s))
        context = context + answer.token_ids + draw.choices(TOKENS, k=draw.randint(*load.observation_tokens))
