"""What was measured of whom, for people: medians, and how far rounds were apart."""

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
    table = Table(title="median of rounds, ± half of their range")
    table.add_column("")
    for target in targets:
        table.add_column(target, justify="right")
    for what, of_targets in rows.items():
        table.add_row(what, *(of_targets.get(target, "") for target in targets))
    Console().print(table)


def _shown(cell: Cell) -> str:
    number = f"{cell.median:,.0f}" if abs(cell.median) >= 100 else f"{cell.median:.3g}"
    if len(cell.samples) == 1 or not cell.median:
        return number
    return f"{number} ±{abs(50 * (max(cell.samples) - min(cell.samples)) / cell.median):.0f}%"
