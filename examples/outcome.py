"""What agents came to, and what the gateway tells of them: the table at the end of an example."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

TIMEOUT_S = 10.0
"""For answers that are made from memory."""
GOING_S = 10.0
"""A released program's sandbox is gone within a second; on a machine under heavy load it may take longer."""
SANDBOXES = ("tool_sandboxes", "tool_sandboxes_preparing")
"""Of the gateway's metrics."""


@dataclass(frozen=True)
class Outcome:
    """Of one agent."""

    program_id: str
    well: bool
    """Whether it did what it was asked."""
    came_to: str
    """In a few words."""


@dataclass(frozen=True)
class Measured:
    """What the gateway knows of a program's steps."""

    turns: int
    waited_s: float
    prompt_tokens: int
    cached_tokens: int | None
    """None: no engine tells."""

    @property
    def hit_rate(self) -> str:
        """Share of the prompt tokens that the engine found in its cache."""
        return "-" if self.cached_tokens is None or not self.prompt_tokens else f"{self.cached_tokens / self.prompt_tokens:.2f}"


def measured(url: str, api_key: str, program_id: str) -> Measured | None:
    """None: the gateway keeps no profiles."""
    answer = _get(url, api_key, f"/profiles/{program_id}")
    if answer.status_code != 200:
        return None
    steps: list[dict[str, Any]] = answer.json()["steps"]
    cached = [step["cached_tokens"] for step in steps if step["cached_tokens"] is not None]
    return Measured(
        turns=len(steps),
        waited_s=sum(step["pause_s"] for step in steps),
        prompt_tokens=sum(step["prompt_tokens"] for step in steps),
        cached_tokens=sum(cached) if cached else None,
    )


def left_behind(url: str, api_key: str, program_ids: Sequence[str]) -> dict[str, int]:
    """Programs of ours, and sandboxes, that the gateway still has. Given a moment: removals end after the release."""
    ends_at_s = time.monotonic() + GOING_S
    while True:
        known = _get(url, api_key, "/programs").json()
        ours = [program_id for program_id in program_ids if program_id in known]
        left = {"programs": len(ours), "sandboxes": _sandboxes(url, api_key)}
        if not any(left.values()) or time.monotonic() > ends_at_s:
            return left
        time.sleep(0.1)


def show(url: str, api_key: str, outcomes: Sequence[Outcome], left: dict[str, int]) -> None:
    """Print the table."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for title in ("agent", "turns", "waited, s", "KV hit rate", "came to"):
        table.add_column(title, justify="left" if title in ("agent", "came to") else "right")
    known = [(outcome, measured(url, api_key, outcome.program_id)) for outcome in outcomes]
    for outcome, its in known:
        table.add_row(outcome.program_id, *_figures(its), outcome.came_to)
    well = f"{sum(outcome.well for outcome in outcomes)} of {len(outcomes)} ended well"
    table.add_row("all", *_figures(_sum([its for _, its in known if its is not None])), well)
    console = Console(width=None if Console().is_terminal else 120, highlight=False)
    console.print(table)
    if not any(its for _, its in known):
        console.print("turns, waits and hit rates: the gateway keeps none (thunderagent serve --profile)")
    console.print("left behind: " + ", ".join(f"{count} {what}" for what, count in left.items()))


def _figures(its: Measured | None) -> tuple[str, str, str]:
    return ("-", "-", "-") if its is None else (str(its.turns), f"{its.waited_s:.2f}", its.hit_rate)


def _sum(all_of_them: Sequence[Measured]) -> Measured | None:
    if not all_of_them:
        return None
    cached = [its.cached_tokens for its in all_of_them if its.cached_tokens is not None]
    return Measured(
        sum(its.turns for its in all_of_them),
        sum(its.waited_s for its in all_of_them),
        sum(its.prompt_tokens for its in all_of_them),
        sum(cached) if cached else None,
    )


def _sandboxes(url: str, api_key: str) -> int:
    series = [line.split() for line in _get(url, api_key, "/metrics").text.splitlines() if not line.startswith("#")]
    wanted = {f"thunderagent_{name}" for name in SANDBOXES}
    return sum(round(float(words[-1])) for words in series if words and words[0].partition("{")[0] in wanted)


def _get(url: str, api_key: str, path: str) -> httpx.Response:
    return httpx.get(url + path, headers={"authorization": f"Bearer {api_key}"}, timeout=TIMEOUT_S, trust_env=False)
