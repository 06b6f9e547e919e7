"""A KV cache with blocks, as an engine has it, and everything about it found by looking at all blocks."""

from __future__ import annotations

from collections import Counter

from thunderagent.adapters.engines.kv_events.wire import Removed, Stored

BLOCK_TOKENS = 16


class NaiveCache:
    """Contexts are texts; each letter is a block, named by all that is before it."""

    def __init__(self) -> None:
        self.copies: Counter[str] = Counter()

    def store(self, context: str, session: str = "", start: int = 0) -> Stored:
        """The blocks of a context from the ``start``-th on."""
        names = [context[: end + 1] for end in range(start, len(context))]
        self.copies.update(names)
        return Stored(tuple(map(name_of, names)), name_of(context[:start]) if start else None, BLOCK_TOKENS, session)

    def remove(self, block: str) -> Removed:
        self.copies[block] -= 1
        return Removed((name_of(block),))

    def there(self, context: str) -> int:
        """Tokens of a context from its start on."""
        length = 0
        while length < len(context) and self.copies[context[: length + 1]] > 0:
            length += 1
        return length * BLOCK_TOKENS


def name_of(block: str) -> bytes:
    return block.encode()
