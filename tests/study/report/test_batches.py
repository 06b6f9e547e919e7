from __future__ import annotations

from tests.study.report.studies import batches, swept
from thunderagent.study.report.batches import draw_makespans
from thunderagent.study.report.comparison import comparisons
from thunderagent.study.report.palette import looks


def test_makespans_are_bars_with_a_mark_where_half_of_the_groups_are_complete() -> None:
    figure = draw_makespans("Makespan", comparisons(batches()), looks(batches().policies))
    assert figure is not None
    (axes,) = figure.axes
    marks = {line.get_label(): list(line.get_xdata()) for line in axes.get_lines()}

    assert [bar.get_width() for bar in axes.patches] == [3_000.0, 1_200.0]
    assert marks == {"default: groups_half_s": [2_500.0], "thunder: groups_half_s": [700.0]}


def test_there_is_no_figure_without_a_batch() -> None:
    assert draw_makespans("Makespan", comparisons(swept()), looks(swept().policies)) is None
