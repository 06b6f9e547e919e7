"""What prompts have in common: one with the one before it, and the first prompts of different programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from thunderagent.simulation.traces.recorded import RecordedProgram


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a prompt: a full block, or a message."""

    key: Hashable
    """Equal for parts that are equal."""
    tokens: int


class Prefixes:
    """A number for each start of a sequence of pieces; equal for equal starts."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, Hashable], int] = {}

    def path(self, pieces: Iterable[Piece]) -> list[int]:
        """The numbers of the start that ends with each of the pieces."""
        number, path = 0, []
        for piece in pieces:
            number = self._numbers.setdefault((number, piece.key), len(self._numbers) + 1)
            path.append(number)
        return path


def kept_tokens(before: Sequence[Piece], prompt: Sequence[Piece]) -> int | None:
    """Tokens of the prompt before that a prompt begins with; None: all of it."""
    tokens = 0
    for index, piece in enumerate(before):
        if index == len(prompt) or prompt[index].key != piece.key:
            return tokens
        tokens += piece.tokens
    return None


def group_by_start(programs: Sequence[RecordedProgram], starts: Sequence[Sequence[Piece]]) -> None:
    """Give each program the group of those with the same start: the longest that it has in common with any other.

    A script has one group. What smaller starts it has in common with programs of other groups is not expressed.
    """
    prefixes = Prefixes()
    paths = [prefixes.path(start) for start in starts]
    users = Counter(number for path in paths for number in path)
    for program, start, path in zip(programs, starts, paths, strict=True):
        shared = sum(users[number] > 1 for number in path)
        if shared:
            program.group = f"start-{path[shared - 1]}"
            program.shared_tokens = sum(piece.tokens for piece in start[:shared])
