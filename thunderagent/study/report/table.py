"""The tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from thunderagent.study.document import METRICS, Study
from thunderagent.study.report.comparison import Comparison, comparisons
from thunderagent.study.report.headline import headlines
from thunderagent.study.report.numbers import MISSING, shorten, spread_text, unit_of, value_text
from thunderagent.study.report.words import THUNDER, policy_label

NAME_LENGTH = 20
COLUMN_WIDTH = 14
"""Of a column with its padding, at most."""


def print_study(study: Study, console: Console) -> None:
    """Tables as wide as the console allows, then how ``thunder`` does against the others."""
    found = comparisons(study)
    for comparison in found:
        console.print()
        for table in tables(comparison, console.width):
            console.print(table)
        if comparison.same:
            same = ", ".join(f"{METRICS[metric].label} {text}" for metric, text in comparison.same.items())
            console.print(Text(f"the same for all: {same}", "dim"))
    for headline in headlines(found):
        figures = ", ".join(f"{value} {meaning}" for value, meaning in headline.figures)
        console.print(Text.assemble("\n", (headline.title, "bold"), f" ({headline.measure}): {figures}"))
    for note in study.notes:
        console.print(Text(f"note: {note}", "dim"))


def tables(comparison: Comparison, width: int) -> Iterator[Table]:
    """One table, or several below each other where its columns do not fit into the width."""
    seeds = f", {comparison.seeds} seeds: median (lowest to highest)" if comparison.seeds > 1 else ""
    title = Text.assemble((comparison.title, "bold"), f"  {comparison.programs} programs at once{seeds}")
    fitting = max(1, (width - NAME_LENGTH - 4) // COLUMN_WIDTH)
    columns = comparison.columns
    parts = [columns[start : start + fitting] for start in range(0, len(columns), fitting)] or [[]]
    for index, part in enumerate(parts):
        yield _table(comparison, part, title if index == 0 else None)


def _table(comparison: Comparison, columns: list[str], title: Text | None) -> Table:
    table = Table(title=title, title_justify="left", title_style="", box=None, pad_edge=False, padding=(0, 1))
    table.add_column("policy", overflow="fold", max_width=NAME_LENGTH)
    for metric in columns:
        table.add_column(
            f"{METRICS[metric].label}\n{unit_of(metric)}".strip(), justify="right", vertical="top", max_width=COLUMN_WIDTH - 2
        )
    for policy in comparison.rows:
        name = Text(shorten(policy_label(policy), NAME_LENGTH), "bold" if policy == THUNDER else "")
        table.add_row(name, *(_cell(comparison, policy, metric) for metric in columns))
    return table


def _cell(comparison: Comparison, policy: str, metric: str) -> Text:
    value = comparison.rows[policy].get(metric)
    if value is None:
        return Text(MISSING, "dim")
    best = policy in comparison.best(metric)
    text = Text(value_text(metric, value.median) + (" *" if best else ""), "bold green" if best else "")
    spread = spread_text(metric, value.low, value.high)
    return Text.assemble(text, (f"\n{spread}", "dim")) if spread else text
