"""The output of a command that may be endless."""

from __future__ import annotations

from collections import deque

from thunderagent.runtime.tools.backend import MAX_OUTPUT_BYTES


class Clipped:
    """Keeps the beginning and the end: half of what may be kept each, and never more than a piece beyond that."""

    def __init__(self, max_bytes: int = MAX_OUTPUT_BYTES) -> None:
        """``max_bytes``: that are kept."""
        self._head, self._tail = bytearray(), deque[bytes]()
        self._half_bytes, self._tail_bytes, self._left_out_bytes = max_bytes // 2, 0, 0

    def add(self, piece: bytes) -> None:
        """What came next."""
        room = self._half_bytes - len(self._head)
        self._head += piece[:room]
        piece = piece[room:]
        if piece:
            self._tail.append(piece)
            self._tail_bytes += len(piece)
        while self._tail_bytes > self._half_bytes:
            excess, first = self._tail_bytes - self._half_bytes, self._tail.popleft()
            if len(first) > excess:
                self._tail.appendleft(first[excess:])
            dropped = min(len(first), excess)
            self._tail_bytes -= dropped
            self._left_out_bytes += dropped

    @property
    def truncated(self) -> bool:
        """Whether something was left out."""
        return self._left_out_bytes > 0

    @property
    def text(self) -> str:
        """Bytes that are no UTF-8 are replaced; a note is where something was left out."""
        tail = b"".join(self._tail)
        if not self.truncated:
            return (self._head + tail).decode(errors="replace")
        note = f"\n[... {self._left_out_bytes} bytes left out ...]\n"
        return self._head.decode(errors="replace") + note + tail.decode(errors="replace")
