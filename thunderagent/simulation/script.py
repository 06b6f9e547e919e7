"""What programs ask of an engine, turn by turn, whatever the policy."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace


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
    beside: int = 0
    """So many more requests on the same context run at the same time (parallel calls, sub-agents), as long as this one. The
    program goes on when all are over, and only this one's tokens stay in its context."""

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
    prefix: str = ""
    """Programs that name the same one, of whatever group, share their first ``prefix_tokens`` tokens (a system prompt)."""
    prefix_tokens: int = 0
    released: bool = True
    """False: the client dies after its last turn without a word."""

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
