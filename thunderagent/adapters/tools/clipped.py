"""What a command writes, of which no more is held than anybody reads."""

from __future__ import annotations

from thunderagent.runtime.tools.backend import MAX_OUTPUT_BYTES


class Clipped:
    """The beginning and the end of some output; what comes between is counted only."""

    def __init__(self, max_bytes: int = MAX_OUTPUT_BYTES) -> None:
        """``max_bytes``: that are kept."""
        self._head, self._tail = bytearray(), bytearray()
        self._head_bytes, self._tail_bytes = max_bytes // 2, max_bytes - max_bytes // 2
        self._left_out_bytes = 0

    def add(self, data: bytes) -> None:
        """More of it. O(1) per byte; up to half as much again as the limit is held."""
        room = self._head_bytes - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * self._tail_bytes:
            self._cut()

    @property
    def text(self) -> str:
        """All of it, or its ends around a line that says how much was left out."""
        self._cut()
        seam = f"\n[... {self._left_out_bytes} bytes left out ...]\n" if self.truncated else ""
        return (self._head + seam.encode() + self._tail).decode(errors="replace")

    @property
    def truncated(self) -> bool:
        """Whether something was left out."""
        return self._left_out_bytes + max(0, len(self._tail) - self._tail_bytes) > 0

    def _cut(self) -> None:
        surplus = len(self._tail) - self._tail_bytes
        if surplus > 0:
            self._left_out_bytes += surplus
            del self._tail[:surplus]
