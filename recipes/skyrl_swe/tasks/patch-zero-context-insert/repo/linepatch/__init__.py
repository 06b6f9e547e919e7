"""Unified diffs of texts: make, apply, reverse."""

from .differ import diff_lines
from .hunk import Hunk, PatchError, parse_hunks, render_hunks
from .lines import split_lines
from .patcher import apply_hunks

__all__ = ["Hunk", "PatchError", "apply_patch", "make_patch", "parse_hunks", "reverse_patch"]


def make_patch(old: str, new: str, context: int = 3) -> str:
    """The patch that turns ``old`` into ``new``; empty if they are equal."""
    return render_hunks(diff_lines(split_lines(old), split_lines(new), context))


def apply_patch(text: str, patch: str) -> str:
    """Apply ``patch`` to ``text`` or raise PatchError."""
    return "".join(apply_hunks(split_lines(text), parse_hunks(patch)))


def reverse_patch(patch: str) -> str:
    """The patch that undoes ``patch``."""
    return render_hunks([hunk.reversed() for hunk in parse_hunks(patch)])
