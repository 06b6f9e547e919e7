"""A program on its way through its script."""

from __future__ import annotations

from collections.abc import Callable

from thunderagent.simulation.script import Script, ScriptedTurn

BLOCKS_PER_NAME = 2**24
"""Blocks that can be named with one base; more than any context has."""


class RunningProgram:
    """Where a program is, and what its next requests look like.

    Its blocks are named by whom they were written for: the system prompt's by all that share it, the group's first prompt's by
    the group, the others by the program; what follows a cut of the context has new names.
    """

    def __init__(self, script: Script, number: int, began_s: float, name: Callable[[str], int]) -> None:
        """``name`` gives a base for the blocks of a shared start, and a new one each time for the empty string."""
        self.script = script
        self.number = number
        self.began_s = began_s
        self.ended_s: float | None = None
        self.refused = False
        """Whether it ended because nobody takes a turn of it."""
        self.prompt_tokens = script.turns[0].new_tokens
        self.unfinished = 0
        """Requests of the turn that is under way."""
        self._name, self._index, self._kept_tokens = name, 0, 0
        self._parts: list[tuple[int, int]] = []
        """From which token on, which base names the blocks."""
        shared = [(script.prefix_tokens, f"prefix {script.prefix}")] if script.prefix else []
        shared += [(script.shared_tokens, f"group {script.group}")] if script.group else []
        start = 0
        for end, key in shared:
            if start < end <= self.prompt_tokens:
                self._parts.append((start, name(key)))
                start = end
        self._parts.append((start, name("")))
        self._shared_tokens = start

    @property
    def turn(self) -> ScriptedTurn:
        """The turn that waits or runs, or that comes after the tool call."""
        return self.script.turns[self._index]

    def chain(self, block_size_tokens: int, *, beside: bool = False) -> list[int]:
        """Names of the full blocks of prompt and output; those of a parallel call are its own from the new tokens on, but for a
        shared start."""
        parts = self._parts
        if beside:
            common_tokens = max(self._kept_tokens, self._shared_tokens)
            parts = [part for part in parts if part[0] < common_tokens] + [(common_tokens, self._name(""))]
        return _names(parts, self.prompt_tokens + self.turn.output_tokens, block_size_tokens)

    def own_chain(self, block_size_tokens: int) -> tuple[list[int], int]:
        """Names of the blocks of the context so far, and how many of the first are shared with other programs."""
        return self.chain(block_size_tokens), self._shared_tokens // block_size_tokens

    @property
    def is_last_turn(self) -> bool:
        """Whether no other turn follows."""
        return self._index + 1 == len(self.script.turns)

    def next_turn(self) -> None:
        """The tool call is over."""
        context_tokens = self.prompt_tokens + self.turn.output_tokens
        self._index += 1
        turn = self.turn
        self._kept_tokens = context_tokens if turn.kept_tokens is None else min(context_tokens, turn.kept_tokens)
        if self._kept_tokens < context_tokens:
            self._parts = [part for part in self._parts if part[0] < self._kept_tokens]
            self._parts.append((self._kept_tokens, self._name("")))
            self._shared_tokens = min(self._shared_tokens, self._kept_tokens)
        self.prompt_tokens = self._kept_tokens + turn.new_tokens


def _names(parts: list[tuple[int, int]], tokens: int, block_size_tokens: int) -> list[int]:
    """A block that two parts meet in belongs to the later one."""
    starts = [start // block_size_tokens for start, _ in parts]
    ends = [*starts[1:], tokens // block_size_tokens]
    names: list[int] = []
    for (_, base), start, end in zip(parts, starts, ends, strict=True):
        names.extend(range(base + start, base + min(end, ends[-1])))
    return names
