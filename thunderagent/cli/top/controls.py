"""What the user has set by keys. Pure: keys in, settings out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from thunderagent.adapters.gateway.manage.snapshot import SORTS

_KEY = re.compile("\x1b(?:\\[|O)[0-9;]*[A-Za-z~]|\x1b|[^\x1b]")
_NAMES = {
    **{f"\x1b{begin}{end}": name for begin in "[O" for end, name in (("A", "up"), ("B", "down"), ("H", "home"))},
    **{"\x1b[5~": "page up", "\x1b[6~": "page down", "\x1b[1~": "home", "\x1b": "escape"},
    **{"\r": "enter", "\n": "enter", "\x7f": "backspace", "\b": "backspace", "\x04": "q"},
}
PAGE = 10
HELP = (
    ("s", "another order of programs: " + ", ".join(SORTS)),
    ("/", "show only programs whose id, group, tool, state or reason has these letters; Enter keeps it, Esc ends it"),
    ("p", "pause what is shown; the gateway and the rates go on"),
    ("up down PgUp PgDn Home", "move the list (also k and j)"),
    ("?", "this help"),
    ("q", "quit"),
)


def keys(typed: str) -> Iterator[str]:
    """Names of keys, or the letters themselves, of what a terminal sent; sequences that mean nothing here are left out."""
    for key in _KEY.findall(typed):
        name = _NAMES.get(key, key)
        if len(name) > 1 and name.startswith("\x1b"):
            continue
        yield name


@dataclass(slots=True)
class Controls:
    """As they stand."""

    sort: str = SORTS[0]
    wanted: str = ""
    """Filter of programs."""
    typing: bool = False
    """Whether keys go to the filter."""
    paused: bool = False
    help: bool = False
    first: int = 0
    """Programs that are above the list."""
    over: bool = False
    """Whether to end."""

    def press(self, key: str) -> None:
        """One key, by its name or as its letter."""
        if self.typing:
            self._type(key)
        elif self.help:
            self.over, self.help = key == "q", False
        else:
            self._command(key)

    def _type(self, key: str) -> None:
        match key:
            case "enter":
                self.typing = False
            case "escape":
                self.typing, self.wanted = False, ""
            case "backspace":
                self.wanted = self.wanted[:-1]
            case _ if len(key) == 1 and key.isprintable():
                self.wanted += key
        self.first = 0

    def _command(self, key: str) -> None:
        match key:
            case "q":
                self.over = True
            case "s":
                self.sort, self.first = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)], 0
            case "/":
                self.typing = True
            case "escape":
                self.wanted = ""
            case "p":
                self.paused = not self.paused
            case "?" | "h":
                self.help = True
            case "home":
                self.first = 0
            case "up" | "k":
                self.first = max(0, self.first - 1)
            case "down" | "j":
                self.first += 1
            case "page up":
                self.first = max(0, self.first - PAGE)
            case "page down":
                self.first += PAGE
