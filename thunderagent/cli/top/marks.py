"""Bars and sparklines that take the room that there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from thunderagent.cli.top import words

RUNS, ACTS, WAITS, WRONG, QUIET = "green", "cyan", "yellow", "bold red", "dim"
"""Of the terminal's own palette, which its user has made readable on its background."""


@dataclass(frozen=True, slots=True)
class KvBar:
    """One KV cache: what running turns hold, what is held for programs in tool calls, what is free."""

    running_tokens: int
    acting_tokens: int
    capacity_tokens: int | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        held_tokens = self.running_tokens + self.acting_tokens
        whole = max(held_tokens, self.capacity_tokens or 0)
        signs = words.ASCII_BAR if options.ascii_only else words.BAR
        counts = words.parts(options.max_width, whole, self.running_tokens, self.acting_tokens)
        full = self.capacity_tokens is not None and held_tokens > self.capacity_tokens
        styles = (WRONG if full else RUNS, ACTS, QUIET)
        text = Text(no_wrap=True, overflow="crop")
        for sign, count, style in zip(signs, counts, styles, strict=True):
            text.append(sign * count, style)
        yield text

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(8, options.max_width), options.max_width)


@dataclass(frozen=True, slots=True)
class Spark:
    """The last minutes of one number."""

    values: Callable[[int], Sequence[float | None]]
    """For so many columns."""
    highest: float | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        line = words.sparkline(self.values(width), width, highest=self.highest, ascii_only=options.ascii_only)
        yield Text(line, RUNS, no_wrap=True, overflow="crop")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(4, options.max_width), options.max_width)
