"""Hunks and their text form."""

import re
from dataclasses import dataclass, field

from .lines import is_marker, split_lines, to_patch_line

_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_SWAP = {" ": " ", "-": "+", "+": "-"}


class PatchError(ValueError):
    """A patch that cannot be read or does not fit the text."""


@dataclass
class Hunk:
    """One group of changes; the start lines are those of the header."""

    old_start: int
    new_start: int
    body: list[tuple[str, str]] = field(default_factory=list)

    @property
    def old_lines(self) -> list[str]:
        return [line for tag, line in self.body if tag != "+"]

    @property
    def new_lines(self) -> list[str]:
        return [line for tag, line in self.body if tag != "-"]

    def reversed(self) -> "Hunk":
        swapped = [(_SWAP[tag], line) for tag, line in self.body]
        # removed lines come before added ones within a block of changes
        result: list[tuple[str, str]] = []
        added: list[tuple[str, str]] = []
        for tag, line in swapped:
            if tag == "+":
                added.append((tag, line))
                continue
            if tag == " ":
                result += added
                added = []
            result.append((tag, line))
        return Hunk(self.new_start, self.old_start, result + added)

    def header(self) -> str:
        old = _range(self.old_start, len(self.old_lines))
        new = _range(self.new_start, len(self.new_lines))
        return f"@@ -{old} +{new} @@\n"


def _range(start: int, count: int) -> str:
    return str(start) if count == 1 else f"{start},{count}"


def render_hunks(hunks: list[Hunk]) -> str:
    parts = []
    for hunk in hunks:
        parts.append(hunk.header())
        parts += [to_patch_line(tag, line) for tag, line in hunk.body]
    return "".join(parts)


def parse_hunks(patch: str) -> list[Hunk]:
    """Read all hunks of ``patch``; lines before the first header are skipped."""
    hunks: list[Hunk] = []
    left = [0, 0]  # lines still to come: old, new
    for line in split_lines(patch):
        if is_marker(line) and hunks and hunks[-1].body:
            tag, last = hunks[-1].body[-1]
            hunks[-1].body[-1] = (tag, last.removesuffix("\n"))
        elif any(left):
            tag = line[0]
            if tag not in _SWAP:
                raise PatchError(f"unexpected line in hunk {len(hunks)}: {line!r}")
            left[0] -= tag != "+"
            left[1] -= tag != "-"
            hunks[-1].body.append((tag, line[1:]))
        elif match := _HEADER.match(line):
            old_start, old_count, new_start, new_count = match.groups()
            left = [int(old_count or 1), int(new_count or 1)]
            hunks.append(Hunk(int(old_start), int(new_start)))
    if any(left):
        raise PatchError(f"hunk {len(hunks)} is cut off")
    return hunks
