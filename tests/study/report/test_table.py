from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from tests.study.report.studies import batches, cell, study, swept
from thunderagent.study.document import METRICS, Study
from thunderagent.study.report.table import print_study


def printed(of: Study, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width)
    print_study(of, console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_each_policy_has_a_row_with_median_spread_and_mark_of_the_best() -> None:
    text = printed(swept())

    assert "swe, load 4" in text
    assert "310 *" in text and "100 *" not in text
    assert "304\N{EN DASH}318" in text


def test_the_headline_and_the_notes_follow() -> None:
    text = printed(study(*batches().cells, notes=["mind [red]the gap"]))

    assert "2.50x the engine alone" in text
    assert "note: mind [red]the gap" in text


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    cells = [cell(policy, **dict.fromkeys(METRICS, 1.0 + index)) for index, policy in enumerate(("default", "tr" * 60))]

    assert max(map(len, printed(study(*cells), width).splitlines())) <= width


def test_all_metrics_are_shown_below_each_other_where_the_terminal_is_narrow() -> None:
    cells = [cell("tr", **{metric: 100.0 + index for index, metric in enumerate(METRICS)})]
    text = printed(study(*cells), 80)

    assert all(str(100 + index) in text for index in range(len(METRICS)))


def test_names_are_no_markup() -> None:
    assert "[bold]x" in printed(study(cell("[bold]x", workload="[red]w", hit_rate=0.5)))
    assert "[red]w" in printed(study(cell("[bold]x", workload="[red]w", hit_rate=0.5)))


def test_an_empty_study_prints_nothing_and_a_cell_without_numbers_its_name() -> None:
    assert printed(study()) == ""
    assert "tr" in printed(study(cell("tr")))
