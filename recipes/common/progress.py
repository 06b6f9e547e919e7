"""What is seen of a run while it goes on, read from the files that it writes."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from recipes.common.jsonl import Tail

LINE_EVERY_S = 10.0
"""Where there is no terminal, a line now and then is enough."""


class Progress:
    """A bar over trajectories with the figures that matter beside it; plain lines where there is no terminal."""

    def __init__(self, out_dir: Path, *, mode: str, total: int, starting: str, shown: bool) -> None:
        """`starting`: what is said until the first step; `total`: trajectories."""
        self._steps, self._ends = Tail(out_dir / "profile.jsonl"), Tail(out_dir / "trajectories.jsonl")
        self._total = total
        self._mode = mode
        self._starting = starting
        self._console = Console(stderr=True)
        self._shown = shown
        self._bar = RichProgress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[figures]}"),
            console=self._console,
            disable=not (self._shown and self._console.is_terminal),
        )
        self._task = self._bar.add_task(f"{self._mode:>8}", total=self._total, figures=starting)
        self._last_line_s = time.monotonic()
        self._count = {"steps": 0, "prompt": 0, "cached": 0, "ends": 0, "solved": 0, "errors": 0}
        self._first_at: float | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def update(self) -> None:
        """Take in what has been written since, and show it."""
        for step in self._steps.read():
            self._first_at = min(step["arrived_at"], self._first_at or step["arrived_at"])
            self._count["steps"] += step["outcome"] == "completed"
            self._count["prompt"] += step["prompt_tokens"]
            self._count["cached"] += step["cached_tokens"] or 0
        for end in self._ends.read():
            self._count["ends"] += 1
            self._count["solved"] += end["reward"] > 0
            self._count["errors"] += end["error"]
        self._bar.update(self._task, completed=self._count["ends"], figures=self._figures())
        due = time.monotonic() - self._last_line_s >= LINE_EVERY_S
        if self._shown and not self._console.is_terminal and due:
            self._last_line_s = time.monotonic()
            self._console.print(
                f"{self._mode}: {self._count['ends']}/{self._total} trajectories, {self._figures()}", soft_wrap=True
            )

    def _figures(self) -> str:
        count = self._count
        if self._first_at is None:
            return self._starting
        per_min = 60 * count["steps"] / max(1.0, time.time() - self._first_at)
        hit = count["cached"] / count["prompt"] if count["prompt"] else 0.0
        errors = f", {count['errors']} errors" if count["errors"] else ""
        return f"{per_min:.0f} steps/min, KV hit rate {hit:.2f}, {count['solved']} solved{errors}"
