"""The blocks of one KV cache as a tree, and where in it the contexts of programs end. Pure.

Engines evict a context from its end, so its program moves up block by block; a program is told of once per batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Literal

from thunderagent.adapters.engines.kv_events.wire import Cleared, Hash, KvEvent, Removed, Stored

REMEMBERED_S = 5.0
"""For how long a block that is gone can be found: what a turn leaves may be evicted before it is known whose it is."""


class Block:
    """One block of tokens after all that is before it."""

    __slots__ = ("children", "copies", "hash", "parent", "passing", "programs", "session", "stored_s", "tokens")

    def __init__(self, name: Hash, parent: Block | None, tokens: int) -> None:
        self.hash, self.parent = name, parent
        self.tokens = tokens
        """From the start of the context to the end of this block."""
        self.copies = 0
        """In the cache; engines compute what two requests need at once twice. 0: gone, only blocks after it are left."""
        self.stored_s = 0.0
        self.session = ""
        self.children: set[Block] | None = None
        self.programs: set[str] | None = None
        """Whose context ends here."""
        self.passing: set[str] | None = None
        """Whose context went on, but its blocks after this one are gone."""


class Chains:
    """O(1) per block stored or removed, and O(1) more for each program that loses a block by it.

    What was stored before the first event, and what follows it, is not known: blocks whose start is not known are left out.
    """

    def __init__(self) -> None:
        self.block_tokens = 0
        """As told last; 0: not yet."""
        self.losses: dict[str, int] = {}
        """Programs that have lost blocks since this was emptied, and how many tokens they still have."""
        self.named = False
        """Whether events have named a session."""
        self._group: int | None = None
        self._blocks: dict[Hash, Block] = {}
        self._ends: dict[str, Block] = {}
        self._last: dict[tuple[str, int], dict[Block, None]] = {}
        """(session, tokens) -> blocks with which an event ended, in the order of these events; some have gone lately."""
        self._gone: deque[tuple[float, Block]] = deque()
        """When, and which, in this order."""

    # What the engine tells

    def take(self, event: KvEvent, now: float) -> None:
        """One event. A cache that was cleared leaves nothing, not even losses: whoever reads the events tells of that."""
        while self._gone and self._gone[0][0] < now - REMEMBERED_S:
            block = self._gone.popleft()[1]
            if not block.copies:
                self._drop_end(block)
        match event:
            case Stored():
                self._stored(event, now)
            case Removed(hashes, group):
                if group == self._group:
                    for name in hashes:
                        self._removed(name, now)
            case Cleared():
                self.clear()

    def clear(self) -> None:
        """Nothing is known any more."""
        for known in (self._blocks, self._ends, self._last, self._gone, self.losses):
            known.clear()

    def _stored(self, event: Stored, now: float) -> None:
        if not event.hashes:
            return
        if not self._blocks:
            self._group = event.group
        elif event.group != self._group:  # a context has the same hashes in all groups: one of them is enough
            return
        parent = None if event.parent is None else self._blocks.get(event.parent)
        if event.parent is not None and (parent is None or not parent.copies):
            return
        self.block_tokens = event.block_tokens
        self.named = self.named or event.session != ""
        for name in event.hashes:
            parent = self._store(name, parent, event, now)
        assert parent is not None, "there was a hash"
        ends = self._last.setdefault((parent.session, parent.tokens), {})
        ends.pop(parent, None)
        ends[parent] = None

    def _store(self, name: Hash, parent: Block | None, event: Stored, now: float) -> Block:
        block = self._blocks.get(name)
        if block is None:
            block = self._blocks[name] = Block(name, parent, event.block_tokens + (parent.tokens if parent else 0))
            if parent is not None:
                parent.children = parent.children or set()
                parent.children.add(block)
        elif block.session != event.session:
            self._drop_end(block)
        block.copies += 1
        block.stored_s, block.session = now, event.session
        return block

    def _removed(self, name: Hash, now: float) -> None:
        block = self._blocks.get(name)
        if block is None or not block.copies:
            return
        block.copies -= 1
        if block.copies:
            return
        self._gone.append((now, block))
        parent = block.parent
        if parent is None or parent.copies:  # else nobody's context goes through it since its parent went
            self._move_up(block, parent)
        self._forget_if_bare(block)

    def _move_up(self, block: Block, to: Block | None) -> None:
        """Contexts that end in this block or after it end before it."""
        below = [block]
        while below:
            here = below.pop()
            for program in (*(here.programs or ()), *(here.passing or ())):
                self._ends.pop(program)
                self.losses[program] = to.tokens if to else 0
                if to is not None:
                    self._end(program, to, "passing")
            here.programs = here.passing = None
            below += here.children or ()

    def _forget_if_bare(self, block: Block | None) -> None:
        while block is not None and not block.copies and not block.children:
            del self._blocks[block.hash]
            if block.parent is not None and block.parent.children is not None:
                block.parent.children.discard(block)
            block = block.parent

    def _drop_end(self, block: Block) -> None:
        key = block.session, block.tokens
        ends = self._last.get(key)
        if ends is not None and ends.pop(block, self) is None and not ends:
            del self._last[key]

    # Programs

    def end_of(self, program: str) -> Block | None:
        """The last block of its context that is still there; None: nothing is known of it."""
        return self._ends.get(program)

    def put(self, program: str, block: Block) -> int:
        """Its context ends with this block; returns how many tokens of it are still there."""
        self.forget(program)
        there = block if block.copies else self._what_is_left(block)
        if there is not None:
            self._end(program, there, "programs" if there is block else "passing")
        return there.tokens if there is not None else 0

    def _what_is_left(self, block: Block) -> Block | None:
        """The last block before the first one that has gone. O(blocks of the context)."""
        there: Block | None = None
        here: Block | None = block
        while here is not None:
            now = self._blocks.get(here.hash)
            if now is None or not now.copies:
                there = None
            elif there is None:
                there = now
            here = here.parent
        return there

    def forget(self, program: str) -> None:
        """It is of no interest any more."""
        block = self._ends.pop(program, None)
        self.losses.pop(program, None)
        for there in () if block is None else (block.programs, block.passing):
            if there is not None:
                there.discard(program)

    def _end(self, program: str, block: Block, which: Literal["programs", "passing"]) -> None:
        self._ends[program] = block
        there = getattr(block, which) or set()
        there.add(program)
        setattr(block, which, there)

    def stored_since(self, session: str, tokens: int, since_s: float) -> Iterator[Block]:
        """Blocks with which an event ended since then, in a context of so many tokens; the latest first."""
        for block in reversed(self._last.get((session, tokens), {})):
            if block.stored_s < since_s:
                return
            yield block

    def __len__(self) -> int:
        """Blocks that are known."""
        return len(self._blocks)

    @property
    def programs(self) -> list[str]:
        """Of which something is known."""
        return list(self._ends)
