"""``thunderagent top`` in a real pseudo-terminal, whose screen is read as a person reads it."""

from __future__ import annotations

import os
import sys
import termios
import time
from collections.abc import Callable
from typing import Any

import pexpect
import pyte

PATIENCE_S = 60.0
"""It starts within two seconds; on a machine under heavy load it may take many times that."""


class Terminal:
    """Of so many columns and rows. It ends with the block."""

    def __init__(self, *arguments: object, columns: int = 80, rows: int = 24, **environment: str) -> None:
        own = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")}
        usual = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        command = ["-m", "thunderagent", "top", *map(str, arguments)]
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.sent = b""
        """All that it has written."""
        self.modes_at_end: list[Any] = []
        self.child = pexpect.spawn(sys.executable, command, dimensions=(rows, columns), env={**own, **usual, **environment})

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def colours(self) -> set[str]:
        return {cell.fg for row in self._screen.buffer.values() for cell in row.values()}

    def until(self, condition: Callable[[str], bool]) -> str:
        """The screen when it is so."""
        ends_at_s = time.monotonic() + PATIENCE_S
        while not condition(self.text):
            assert time.monotonic() < ends_at_s, self.text
            self._read()
        return self.text

    def until_over(self) -> int | None:
        """Its exit status; None: a signal has ended it."""
        ends_at_s = time.monotonic() + PATIENCE_S
        while self._read():
            assert time.monotonic() < ends_at_s, self.text
        self.modes_at_end = termios.tcgetattr(self.child.child_fd)
        self.child.close()
        status: int | None = self.child.exitstatus
        return status

    def press(self, keys: str) -> None:
        self.child.send(keys)

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def _read(self) -> bool:
        try:
            data = self.child.read_nonblocking(65_536, timeout=0.1)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.sent += data
        self._stream.feed(data)
        return True

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *error: object) -> None:
        self.child.close(force=True)
