"""Hash chains that name the prefix ending with a full block, and a memory of the prefixes that were cached once."""

from __future__ import annotations

from collections.abc import Sequence


def root_hash(salt: str) -> int:
    """The start of the chains of one salt: equal tokens under different salts never share blocks."""
    return hash(("thunderagent.simulation", salt))


def extend_chain(hashes: list[int], root: int, tokens: tuple[int, ...], num_blocks: int, block_size_tokens: int) -> None:
    """Append to `hashes` until it covers the first `num_blocks` full blocks of `tokens`.

    Each hash names its block and all before it, back to `root`.
    """
    parent = hashes[-1] if hashes else root
    for start in range(len(hashes) * block_size_tokens, num_blocks * block_size_tokens, block_size_tokens):
        parent = hash((parent, tokens[start : start + block_size_tokens]))
        hashes.append(parent)


class SeenPrefixes:
    """A bounded set of the prefixes that were in the cache at some time; it forgets the oldest half when it is full."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._young: set[int] = set()
        self._old: set[int] = set()

    def add(self, prefixes: Sequence[int]) -> None:
        """Remember some prefixes."""
        start = 0
        while start < len(prefixes):
            if len(self._young) >= self._half:
                self._young, self._old = set(), self._young
            end = start + self._half - len(self._young)
            self._young.update(prefixes[start:end])
            start = end

    def __contains__(self, prefix: object) -> bool:
        return prefix in self._young or prefix in self._old
