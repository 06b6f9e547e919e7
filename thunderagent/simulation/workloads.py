"""Seeded workloads: what programs ask of an engine, turn by turn, whatever the policy.

The n-th program of a seed is the same however many were drawn before it, so policies are compared on equal programs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from thunderagent.simulation.distributions import LogNormal

MAX_CONTEXT_TOKENS = 131_072
"""Context window of the models that run such agents: a program that reaches it ends."""
SIZING_PROGRAMS = 400
"""Programs whose mean context tells how many make a given load; the mean is then certain to about 2%."""


@dataclass(frozen=True, slots=True)
class ScriptedTurn:
    """One turn of a program."""

    new_tokens: int
    """Prompt tokens beyond those that are kept of the context of the turn before."""
    output_tokens: int
    tool: str
    """Called by the answer. Empty: none, the program is over."""
    tool_s: float
    kept_tokens: int | None = None
    """From the start of the context before; what came after them is gone (cut, or compacted). None: all of it is kept."""

    def prompt_tokens(self, context_tokens: int) -> int:
        """Of the whole prompt, after a turn that ended with so many tokens of context."""
        return (context_tokens if self.kept_tokens is None else self.kept_tokens) + self.new_tokens


@dataclass(frozen=True, slots=True)
class Script:
    """One program from its first turn to its last."""

    program_id: str
    turns: tuple[ScriptedTurn, ...]
    group: str = ""
    """Programs of one group share their first ``shared_tokens`` tokens."""
    shared_tokens: int = 0

    def contexts(self) -> list[int]:
        """Tokens of the context at the end of each turn."""
        ends = itertools.accumulate(self.turns, lambda context, turn: turn.prompt_tokens(context) + turn.output_tokens, initial=0)
        return list(ends)[1:]

    def from_turn(self, index: int) -> Script:
        """The rest of the program, as if it had been running for ``index`` turns; its first prompt is the whole context."""
        if index == 0:
            return self
        prompt_tokens = self.turns[index].prompt_tokens(self.contexts()[index - 1])
        first = replace(self.turns[index], new_tokens=prompt_tokens, kept_tokens=None)
        return replace(self, turns=(first, *self.turns[index + 1 :]))


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, the share of calls that go to it, and how long they take."""

    name: str
    share: float
    seconds: LogNormal


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind of agent."""

    name: str
    first_prompt: LogNormal
    """Tokens of system prompt and task."""
    turns: LogNormal
    observation: LogNormal
    """Tokens that a tool's result adds to the context."""
    output: LogNormal
    """Tokens of an answer."""
    tools: tuple[Tool, ...]
    group_size: int = 1
    """Samples of one prompt (RL); they share the first prompt and, by half of its logarithm's variance, their length."""

    def script(self, seed: int, index: int) -> Script:
        """The program number ``index``."""
        group, member = divmod(index, self.group_size)
        shared_random = Random(f"{self.name}/{seed}/group {group}")
        first_prompt = self.first_prompt.count(shared_random)
        difficulty = shared_random.gauss(0.0, 1.0)
        random = shared_random if self.group_size == 1 else Random(f"{self.name}/{seed}/group {group}/{member}")
        own = 0.0 if self.group_size == 1 else random.gauss(0.0, 1.0)
        length = difficulty if self.group_size == 1 else (difficulty + own) / math.sqrt(2)
        number = max(1, round(self.turns.at(length)))
        return Script(
            f"{self.name}-{index}",
            tuple(self._turns(random, first_prompt, number)),
            f"prompt-{group}" if self.group_size > 1 else "",
            first_prompt if self.group_size > 1 else 0,
        )

    def scripts(self, seed: int) -> Iterator[Script]:
        """Programs without end."""
        return (self.script(seed, index) for index in itertools.count())

    def mean_context_tokens(self, seed: int = 0) -> float:
        """Context at the end of a turn, over all turns."""
        contexts = [tokens for index in range(SIZING_PROGRAMS) for tokens in self.script(seed, index).contexts()]
        return sum(contexts) / len(contexts)

    def slowed(self, name: str, factor: float) -> Workload:
        """The same with tools that take so many times as long."""
        return replace(self, name=name, tools=tuple(replace(tool, seconds=tool.seconds.times(factor)) for tool in self.tools))

    def _turns(self, random: Random, first_prompt: int, number: int) -> Iterator[ScriptedTurn]:
        shares = [tool.share for tool in self.tools]
        new_tokens, context = first_prompt, 0
        for index in range(number):
            output_tokens = self.output.count(random)
            tool = random.choices(self.tools, shares)[0]
            tool_s, observation = tool.seconds.draw(random), self.observation.count(random)
            context += new_tokens + output_tokens
            last = index == number - 1 or context + observation + 8 * self.output.p99 > MAX_CONTEXT_TOKENS
            yield ScriptedTurn(new_tokens, output_tokens, "" if last else tool.name, 0.0 if last else tool_s)
            if last:
                return
            new_tokens = observation


CODING_TOOLS = (
    Tool("edit", 0.5, LogNormal(0.7, 5.0)),
    Tool("bash", 0.35, LogNormal(2.6, 30.0)),
    Tool("test", 0.15, LogNormal(11.0, 130.0)),
)
"""Together: median 1.5 s, 99th percentile 60 s."""

SWE = Workload(
    "swe",
    first_prompt=LogNormal(3_800, 7_000),
    turns=LogNormal(28, 75),
    observation=LogNormal(365, 3_300),
    output=LogNormal(125, 530),
    tools=CODING_TOOLS,
)
"""Mean context 16.7k tokens, 31 turns."""
OPENHANDS = Workload(
    "openhands",
    first_prompt=LogNormal(8_000, 14_000),
    turns=LogNormal(38, 100),
    observation=LogNormal(570, 6_000),
    output=LogNormal(220, 900),
    tools=(
        Tool("edit", 0.5, LogNormal(2.6, 15.0)),
        Tool("bash", 0.35, LogNormal(8.0, 60.0)),
        Tool("test", 0.15, LogNormal(26.0, 240.0)),
    ),
)
"""Mean context 37.5k tokens, 42 turns, tools of 5 s in the median and 120 s at the 99th percentile."""
SEARCH = Workload(
    "search",
    first_prompt=LogNormal(700, 1_500),
    turns=LogNormal(4.7, 10),
    observation=LogNormal(850, 2_900),
    output=LogNormal(130, 500),
    tools=(Tool("search", 0.7, LogNormal(0.6, 3.0)), Tool("visit", 0.3, LogNormal(1.5, 10.0))),
)
"""Mean context 3.5k tokens, 5 turns, tools of 0.8 s in the median."""
SLOW_TOOLS = SWE.slowed("slow-tools", 20.0 / 1.5)
"""``swe`` with tools of 20 s in the median."""
RL_BATCH = replace(SWE, name="rl-batch", group_size=8)
"""``swe`` in groups of 8 samples of one prompt; a step of training waits for all of them."""

WORKLOADS = {workload.name: workload for workload in (SWE, OPENHANDS, SEARCH, SLOW_TOOLS, RL_BATCH)}
