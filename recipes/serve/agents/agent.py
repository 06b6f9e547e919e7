"""One agent: a chat that grows with every turn, and a pause for a tool after each, through OpenAI's client."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from openai import AsyncOpenAI, OpenAIError
from openai.types.chat import ChatCompletionMessageParam

WAIT_HEADER = "X-Thunder-Wait-Ms"
"""A gateway tells by it how long the request was held back."""
SYSTEM = "You are a careful engineer. Look before you change anything, run the tests, and say what you did. "
"""What all agents have in common, over and over."""
WORDS = (
    *(
        "the",
        "file",
        "has",
        "a",
        "test",
        "that",
        "fails",
        "when",
        "its",
        "cache",
        "is",
        "empty",
        "and",
        "returns",
        "early",
        "from",
    ),
    *("every", "branch", "of", "this", "loop"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What each agent does."""

    turns: int
    first_chars: int = 4_000
    """Of the first prompt, beside the system prompt."""
    observation_chars: int = 1_400
    """That a tool gives, on average; sizes spread evenly over a half to one and a half of it."""
    answer_tokens: int = 200
    """Longest answer."""
    think_s: float = 0.1
    """Mean of the pauses between turns, exponential."""
    system_chars: int = 2_000
    """Of the system prompt, which all have in common."""


@dataclass(frozen=True, slots=True)
class Step:
    """One finished turn."""

    took_s: float
    waited_s: float | None
    """Held back by the gateway; None: nothing said so."""
    prompt_tokens: int
    cached_tokens: int
    reprefilled_tokens: int = 0
    """That were computed again: they had been in the agent's last prompt, and in no cache any more."""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Agent:
    """One of them."""

    client: AsyncOpenAI
    url: str
    """Where the client's ``/v1`` is."""
    model: str
    plan: Plan
    program_id: str
    """Names it, and makes what it says its own, so that no cache knows it."""
    seed: str
    """Of sizes and pauses."""
    on_step: Callable[[Step], None]

    async def run(self) -> None:
        """All turns; one that fails is the last. However it ends, the gateway is told."""
        try:
            await self._turns()
        finally:
            await self._release()

    async def _turns(self) -> None:
        plan, sizes, words = self.plan, random.Random(self.seed), random.Random(self.program_id)
        first = f"{self.program_id}: {_text(words, plan.first_chars)}"
        system = (SYSTEM * (plan.system_chars // len(SYSTEM) + 1))[: plan.system_chars]
        messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": system}, {"role": "user", "content": first}]
        known_tokens = 0
        for turn in range(plan.turns):
            if turn:
                await asyncio.sleep(sizes.expovariate(1 / plan.think_s) if plan.think_s else 0.0)
                chars = round(plan.observation_chars * sizes.uniform(0.5, 1.5))
                messages.append({"role": "user", "content": _text(words, chars)})
            step, answer = await self._turn(messages, known_tokens)
            known_tokens = step.prompt_tokens
            self.on_step(step)
            if step.failed:
                return
            messages.append({"role": "assistant", "content": answer})

    async def _turn(self, messages: list[ChatCompletionMessageParam], known_tokens: int) -> tuple[Step, str]:
        begin_s = time.perf_counter()
        try:
            raw = await self.client.chat.completions.with_raw_response.create(
                model=self.model,
                messages=messages,
                max_tokens=self.plan.answer_tokens,
                extra_body={"program_id": self.program_id},
            )
            completion = raw.parse()
        except OpenAIError:
            return Step(time.perf_counter() - begin_s, None, 0, 0, failed=True), ""
        waited = raw.headers.get(WAIT_HEADER)
        usage = completion.usage
        details = usage.prompt_tokens_details if usage else None
        cached_tokens = (details.cached_tokens or 0) if details else 0
        step = Step(
            took_s=time.perf_counter() - begin_s,
            waited_s=None if waited is None else float(waited) / 1_000,
            prompt_tokens=usage.prompt_tokens if usage else 0,
            cached_tokens=cached_tokens,
            reprefilled_tokens=max(0, known_tokens - cached_tokens),
        )
        return step, completion.choices[0].message.content or ""

    async def _release(self) -> None:
        outside_v1 = self.client.with_options(base_url=self.url, max_retries=0)
        with contextlib.suppress(OpenAIError):  # an engine without a gateway does not know what that is
            await outside_v1.post("/programs/release", cast_to=object, body={"program_id": self.program_id})


def _text(words: random.Random, chars: int) -> str:
    return " ".join(words.choices(WORDS, k=chars // 2 + 1))[:chars]  # the shortest word and a blank are two
