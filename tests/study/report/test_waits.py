from __future__ import annotations

from matplotlib.figure import Figure

from tests.study.report.studies import cell, study, swept
from thunderagent.study.document import Study
from thunderagent.study.report.comparison import comparisons, heaviest
from thunderagent.study.report.palette import looks
from thunderagent.study.report.waits import draw_waits


def drawn(of: Study) -> Figure | None:
    return draw_waits("Waits", heaviest(comparisons(of)), looks(of.policies))


def test_median_99th_percentile_and_longest_are_on_one_line() -> None:
    figure = drawn(swept())
    assert figure is not None
    (axes,) = figure.axes
    thunder = next(line for line in axes.get_lines() if line.get_label() == "thunder")

    assert list(thunder.get_xdata()) == [0.0, 80.0, 360.0]
    assert [text.get_text() for text in axes.texts] == ["360 s", "360 s"]


def test_no_wait_at_all_has_a_place_on_the_log_scale() -> None:
    figure = drawn(study(cell("tr", wait_p50_s=0.0, wait_max_s=0.0)))
    assert figure is not None
    (axes,) = figure.axes

    assert axes.get_xscale() == "symlog"
    assert axes.get_xlim()[0] < 0
    assert axes.get_xticklabels()[0].get_text() == "0"


def test_there_is_no_figure_without_waits() -> None:
    assert drawn(study(cell("tr", steps_per_min=1.0))) is None
