"""Seeded kinds of agents.

The n-th program of a seed is the same however many were drawn before it, so policies are compared on equal programs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Protocol

from thunderagent.simulation.distributions import LogNormal
from thunderagent.simulation.script import Script, ScriptedTurn

MAX_CONTEXT_TOKENS = 131_072
"""Context window of the models that run such agents: a program that reaches it ends."""
SIZING_PROGRAMS = 400
"""Programs whose mean context tells how many make a given load; the mean is then certain to about 2%."""


class ProgramSource(Protocol):
    """Programs without end, by seed and number."""

    @property
    def name(self) -> str:
        """Unique."""

    @property
    def group_size(self) -> int:
        """Programs that follow one another and share their first prompt; 1: none do."""

    def script(self, seed: int, index: int) -> Script:
        """The program number ``index``."""

    def __hash__(self) -> int:
        """It never changes."""


def scripts(source: ProgramSource, seed: int) -> Iterator[Script]:
    """Programs without end."""
    return (source.script(seed, index) for index in itertools.count())


@cache
def mean_context_tokens(source: ProgramSource, seed: int = 0) -> float:
    """Context at the end of a turn, over all turns."""
    contexts = [tokens for index in range(SIZING_PROGRAMS) for tokens in source.script(seed, index).contexts()]
    return sum(contexts) / len(contexts)


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
    prefix_tokens: int = 0
    """Of a system prompt that all programs share, before the first prompt."""
    beside_share: float = 0.0
    """Of the turns, those that make ``beside`` parallel calls."""
    beside: int = 0
    lost_share: float = 0.0
    """Of the programs, those whose client dies silently, halfway."""

    def script(self, seed: int, index: int) -> Script:
        """The program number ``index``."""
        group, member = divmod(index, self.group_size)
        shared_random = Random(f"{self.name}/{seed}/group {group}")
        first_prompt = self.prefix_tokens + self.first_prompt.count(shared_random)
        difficulty = shared_random.gauss(0.0, 1.0)
        random = shared_random if self.group_size == 1 else Random(f"{self.name}/{seed}/group {group}/{member}")
        own = 0.0 if self.group_size == 1 else random.gauss(0.0, 1.0)
        length = difficulty if self.group_size == 1 else (difficulty + own) / math.sqrt(2)
        number = max(1, round(self.turns.at(length)))
        turns = tuple(self._turns(random, first_prompt, number))
        lost = self.lost_share > 0 and random.random() < self.lost_share
        return Script(
            f"{self.name}-{index}",
            turns[: (len(turns) + 1) // 2] if lost else turns,
            f"prompt-{group}" if self.group_size > 1 else "",
            first_prompt if self.group_size > 1 else 0,
            f"{self.name} system" if self.prefix_tokens else "",
            self.prefix_tokens,
            released=not lost,
        )

    def _turns(self, random: Random, first_prompt: int, number: int) -> Iterator[ScriptedTurn]:
        shares = [tool.share for tool in self.tools]
        new_tokens, context = first_prompt, 0
        for index in range(number):
            output_tokens = self.output.count(random)
            tool = random.choices(self.tools, shares)[0]
            tool_s, observation = tool.seconds.draw(random), self.observation.count(random)
            beside = self.beside if self.beside and random.random() < self.beside_share else 0
            context += new_tokens + output_tokens
            last = index == number - 1 or context + observation + 8 * self.output.p99 > MAX_CONTEXT_TOKENS
            yield ScriptedTurn(new_tokens, output_tokens, "" if last else tool.name, 0.0 if last else tool_s, beside=beside)
            if last:
                return
            new_tokens = observation


@dataclass(frozen=True, slots=True)
class Mix:
    """Programs of several kinds side by side, each kind with its share."""

    name: str
    parts: tuple[tuple[Workload, float], ...]

    def __post_init__(self) -> None:
        if any(workload.group_size > 1 for workload, _ in self.parts):
            raise ValueError(
                f"mix {self.name!r} has a part with groups; a group's programs follow one another, in a mix they cannot"
            )

    @property
    def group_size(self) -> int:
        """No groups."""
        return 1

    def script(self, seed: int, index: int) -> Script:
        """The program number ``index``."""
        workloads, shares = zip(*self.parts, strict=True)
        workload: Workload = Random(f"{self.name}/{seed}/{index}").choices(workloads, shares)[0]
        return replace(workload.script(seed, index), program_id=f"{self.name}-{index}")
