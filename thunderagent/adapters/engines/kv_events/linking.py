"""Which blocks are a program's: events name no request, turns no block. Pure.

A turn that has ended with so many tokens has left so many whole blocks, the last token's KV never being written. The blocks are
those whose last one was stored while it ran, at that length: by the session that bears the program's name, where engines name
sessions (vLLM 0.32 does; the gateway and SkyRL send ``X-Session-ID``), else by anybody, where only one fits. If several do, or
none, nothing is said.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from thunderagent.adapters.engines.kv_events.chains import Block, Chains

SETTLE_S = 0.05
"""Events and answers come over different connections: after so long, what the last step stored is here. Only needed to say that
no other block fits; one that bears the program's name is taken at once."""
GIVE_UP_S = 2.0
"""For how long the blocks of a named session are awaited; of others, later events are as likely somebody else's."""


@dataclass(frozen=True, slots=True)
class EndedTurn:
    """A turn is over. Times are of one clock, in seconds."""

    program: str
    session: str
    """What the engine calls the program, if it names sessions."""
    tokens: int
    """Prompt and answer."""
    began_s: float
    """Admitted to the engine."""
    ended_s: float


class Linking:
    """Finds the blocks of turns that have ended, once their events must have come."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains
        self._fresh: deque[EndedTurn] = deque()
        self._late: list[EndedTurn] = []
        self.live_since_s = -math.inf
        """Events came late or not at all until then: the blocks of unnamed sessions are not known by the time of their coming."""
        self.found = self.unknown = 0
        """Turns whose blocks are known, or not."""

    def put(self, turn: EndedTurn) -> None:
        """Its blocks are to be found."""
        self._fresh.append(turn)

    @property
    def due_s(self) -> float | None:
        """When the next one is to be looked for; None: there is none. Those that were not found are looked for at every time."""
        return self._fresh[0].ended_s + SETTLE_S if self._fresh else None

    def settle(self, now: float) -> dict[str, int]:
        """Look for all that are due; returns tokens in the cache by program, of those that were found."""
        found: dict[str, int] = {}
        due, self._late = self._late, []
        while self._fresh and (self._chains.named or self._fresh[0].ended_s + SETTLE_S <= now):
            due.append(self._fresh.popleft())
        for turn in due:
            block = self.find(turn)
            if block is not None:
                found[turn.program] = self._chains.put(turn.program, block)
                self.found += 1
            elif self._chains.named and now < turn.ended_s + GIVE_UP_S:
                self._late.append(turn)
            else:
                self.unknown += 1
        return found

    def find(self, turn: EndedTurn) -> Block | None:
        """The last whole block that a turn has left; None: it is not known."""
        chains, block_tokens = self._chains, self._chains.block_tokens
        tokens = (turn.tokens - 1) // block_tokens * block_tokens if block_tokens else 0
        if not tokens:
            return None
        if turn.session and (named := next(chains.stored_since(turn.session, tokens, turn.began_s), None)) is not None:
            return named
        end = chains.end_of(turn.program)
        if end is not None and end.tokens == tokens and end.programs and turn.program in end.programs:
            return end  # no block became full
        if turn.began_s < self.live_since_s:
            return None
        fitting = {block.hash: block for block in chains.stored_since("", tokens, turn.began_s) if self._may_be(turn, block)}
        return next(iter(fitting.values())) if len(fitting) == 1 else None

    def _may_be(self, turn: EndedTurn, block: Block) -> bool:
        """Whether it ended a context then that continues the program's, and nobody else's."""
        if any(child.stored_s <= turn.ended_s for child in block.children or ()):
            return False
        known = self._chains.end_of(turn.program)
        here: Block | None = block
        while here is not None and (known is None or here.hash != known.hash):
            if here.programs:
                return False
            here = here.parent
        return known is None or here is not None
