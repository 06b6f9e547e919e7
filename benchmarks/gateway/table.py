"""What was measured of whom, for people: medians and ranges."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.gateway.measure import Cell


def print_cells(cells: Sequence[Cell]) -> None:
    """A row for each thing that was measured, a column for each target; plain text where rich is not installed."""
    targets = list(dict.fromkeys(cell.target for cell in cells))
    rows: dict[str, dict[str, str]] = {}
    for cell in cells:
        rows.setdefault(f"{cell.what}, {cell.unit}", {})[cell.target] = _shown(cell)
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        for what, of_targets in rows.items():
            print(what, *(f"  {target}: {shown}" for target, shown in of_targets.items()), sep="\n")
        return
    table = Table(title="median of rounds (lowest to highest)")
    table.add_column("")
    for target in targets:
        table.add_column(target, justify="right")
    for what, of_targets in rows.items():
        table.add_row(what, *(of_targets.get(target, "") for target in targets))
    Console().print(table)


def _shown(cell: Cell) -> str:
    low, high = min(cell.samples), max(cell.samples)
    return f"{_number(cell.median)} ({_number(low)} to {_number(high)})" if len(cell.samples) > 1 else _number(cell.median)


def _number(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
