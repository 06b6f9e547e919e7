"""``python -m examples.tool_orchestra_like``"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from collections.abc import Sequence
from contextlib import ExitStack

from openai import AsyncOpenAI, OpenAIError

from examples.common import Served, add_engines, end_with, parser, served, told
from examples.outcome import Outcome
from examples.tool_orchestra_like.agent import Model, Orchestrator
from examples.tool_orchestra_like.policy import Question, questions, search
from thunderagent.client import Program
from thunderagent.errors import SandboxError

ABOUT = "Agents whose tools are a search, a code interpreter and a stronger model behind a gateway of its own."
POLICY = "examples.tool_orchestra_like.policy"


async def agents(own: Served, expert: Served, options: argparse.Namespace) -> Sequence[Outcome]:
    """All at once."""
    run = uuid.uuid4().hex[:6]
    async with (
        AsyncOpenAI(base_url=f"{own.url}/v1", api_key=own.api_key) as to_own,
        AsyncOpenAI(base_url=f"{expert.url}/v1", api_key=expert.api_key) as to_expert,
    ):
        small, strong = Model(to_own, own.model), Model(to_expert, expert.model)
        key = None if own.api_key == "none" else own.api_key

        async def one(program_id: str, question: Question) -> Outcome:
            try:
                async with (
                    Program(program_id, expert.url, key),  # the same program in both gateways, and released in both
                    Program(program_id, own.url, key) as program,
                    program.sandbox(image=options.image) as sandbox,
                ):
                    answer = await Orchestrator(small, strong, program, sandbox, search).run(question.text)
            except (OpenAIError, SandboxError) as error:
                return Outcome(program_id, False, str(error))
            return _outcome(program_id, question, answer)

        asked = enumerate(questions(options.agents, seed=0))
        return await asyncio.gather(*(one(f"orchestra-{run}-{number}", question) for number, question in asked))


def _outcome(program_id: str, question: Question, answer: str) -> Outcome:
    said = answer.rpartition("ANSWER:")[2].strip()
    right = said == question.answer
    return Outcome(program_id, right, f"{said} digits" if right else f"{said} digits, but it is {question.answer}")


def example(options: argparse.Namespace) -> bool:
    """With one gateway for each model, or with one for both."""
    with ExitStack() as ends:
        own = ends.enter_context(served(options, answers=f"{POLICY}:orchestrator", tools=True))
        embedded = not (options.backends or options.gateway)
        if embedded or options.expert_backends or options.expert_gateway:
            expert = ends.enter_context(served(options, answers=f"{POLICY}:expert", prefix="expert-"))
        else:
            expert = Served(own.url, options.expert_model or own.model, own.api_key)
        outcomes = asyncio.run(agents(own, expert, options))
        if expert.url == own.url:
            return told(own, outcomes)
        print("the orchestrator's gateway")
        well = told(own, outcomes)
        print("\nthe expert's gateway")
        return told(expert, outcomes) and well


if __name__ == "__main__":
    command_line = parser("tool_orchestra_like", ABOUT, agents=6, tools=True)
    add_engines(command_line, "expert-")
    end_with(lambda: example(command_line.parse_args()))
