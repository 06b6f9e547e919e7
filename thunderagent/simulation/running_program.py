"""A program on its way through its script."""

from __future__ import annotations

from thunderagent.simulation.workloads import Script, ScriptedTurn

BLOCKS_PER_PROGRAM = 2**24
"""Names of KV blocks that a program has for itself; more than any context has blocks."""


class RunningProgram:
    """Where a program is, and what its next request looks like."""

    def __init__(self, script: Script, number: int, group: int | None, began_s: float) -> None:
        """``number`` is unique among programs, ``group`` among prompt groups; None: it shares nothing."""
        self.script = script
        self.began_s = began_s
        self.arrived_s = began_s
        """When its turn arrived at the scheduler."""
        self.admitted_s = began_s
        """When the scheduler let it go to an engine."""
        self.request_id: str | None = None
        """None while its turn waits, or it runs a tool."""
        self.prompt_tokens = script.turns[0].new_tokens
        self._number, self._group, self._index = number, group, 0

    @property
    def turn(self) -> ScriptedTurn:
        """The turn that waits or runs, or that comes after the tool call."""
        return self.script.turns[self._index]

    def ask(self, now_s: float) -> None:
        """Its turn arrives."""
        self.arrived_s, self.request_id = now_s, None

    def chain(self, block_size_tokens: int) -> list[int]:
        """Names of the full blocks of prompt and output: those of the shared start by group, the others by program."""
        blocks = (self.prompt_tokens + self.turn.output_tokens) // block_size_tokens
        shared = 0 if self._group is None else min(blocks, self.script.shared_tokens // block_size_tokens)
        own = self._number * BLOCKS_PER_PROGRAM
        if not shared or self._group is None:
            return list(range(own, own + blocks))
        common = -(self._group + 1) * BLOCKS_PER_PROGRAM
        return [*range(common, common + shared), *range(own + shared, own + blocks)]

    def end_turn(self) -> bool:
        """Its turn is over; False if it was the last."""
        output_tokens = self.turn.output_tokens
        self._index += 1
        if self._index == len(self.script.turns):
            return False
        self.prompt_tokens += output_tokens + self.turn.new_tokens
        return True
