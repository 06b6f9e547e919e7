"""Apply hunks to lines."""

from .hunk import Hunk, PatchError


def apply_hunks(lines: list[str], hunks: list[Hunk]) -> list[str]:
    """Return the patched lines; ``lines`` itself is not changed.

    Hunks have to be in ascending order, as every diff program writes them.
    """
    result: list[str] = []
    done = 0  # index of the first line that is not copied yet
    for number, hunk in enumerate(hunks, 1):
        old = hunk.old_lines
        begin = hunk.old_start - 1
        if begin < done:
            raise PatchError(f"hunk {number} overlaps the one before it")
        if begin + len(old) > len(lines):
            raise PatchError(f"hunk {number} reaches past the end of the text")
        _compare(lines, begin, old, number)
        result += lines[done:begin]
        result += hunk.new_lines
        done = begin + len(old)
    return result + lines[done:]


def _compare(lines: list[str], begin: int, old: list[str], number: int) -> None:
    for offset, expected in enumerate(old):
        found = lines[begin + offset]
        if found != expected:
            raise PatchError(
                f"hunk {number} does not fit at line {begin + offset + 1}: "
                f"expected {expected!r}, found {found!r}"
            )
