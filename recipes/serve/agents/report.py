"""The table at the end: one column per address, beside each other."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from recipes.serve.agents.tally import Tally


def table(tallies: Mapping[str, Tally]) -> Table:
    """Of all that was run; with several, each is compared with the first."""
    result = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    result.add_column("")
    for url, tally in tallies.items():
        result.add_column(f"{url}\n[dim]{'gateway' if tally.waits_s else 'no gateway'}[/]", justify="right")
    first = next(iter(tallies.values()))
    result.add_row("steps per minute", *(_compared(tally.steps_per_min, first.steps_per_min) for tally in tallies.values()))
    result.add_row("KV hit rate", *(f"{tally.hit_rate:.2f}" for tally in tallies.values()))
    result.add_row("a turn takes, median, s", *(f"{tally.turn_s(0.5):.2f}" for tally in tallies.values()))
    result.add_row("95% take less than, s", *(f"{tally.turn_s(0.95):.2f}" for tally in tallies.values()))
    result.add_row("held back, mean and most, s", *(_waits(tally) for tally in tallies.values()))
    result.add_row("steps", *(str(len(tally.done)) for tally in tallies.values()))
    result.add_row("failed", *(str(tally.failed) for tally in tallies.values()))
    result.add_row("whole run, s", *(f"{tally.span_s:.1f}" for tally in tallies.values()))
    return result


def _compared(value: float, first: float) -> str:
    return f"{value:.0f}" if value == first or not first else f"{value:.0f} ({value / first:.2f}x)"


def _waits(tally: Tally) -> str:
    return f"{tally.mean_wait_s:.2f}, {max(tally.waits_s):.2f}" if tally.waits_s else ""
