from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from matplotlib.figure import Figure

from tests.study.report.studies import cell, study, swept
from thunderagent.study.document import Study
from thunderagent.study.report.comparison import comparisons
from thunderagent.study.report.curves import apart, draw_against_load
from thunderagent.study.report.palette import POLICIES, looks


def drawn(of: Study, metric: str = "steps_per_min") -> Figure:
    figure = draw_against_load("A title", metric, comparisons(of), looks(of.policies))
    assert figure is not None
    return figure


def lines(axes: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in axes.get_lines()}


def test_each_policy_is_a_line_of_medians_over_load() -> None:
    (axes,) = drawn(swept()).axes

    assert list(lines(axes)["default"].get_xdata()) == [1.0, 4.0]
    assert list(lines(axes)["default"].get_ydata()) == [300.0, 100.0]
    assert list(lines(axes)["thunder"].get_ydata()) == [310.0, 310.0]


def test_the_spread_over_seeds_is_a_band() -> None:
    (axes,) = drawn(swept()).axes
    alone, thunder = (band.get_paths()[0].get_extents() for band in axes.collections)

    assert (alone.y0, alone.y1) == (94.0, 308.0)
    assert (thunder.y0, thunder.y1) == (304.0, 318.0)


def test_one_seed_has_no_band() -> None:
    (axes,) = drawn(study(cell("tr", 1.0, steps_per_min=1.0), cell("tr", 2.0, steps_per_min=1.0))).axes

    assert not axes.collections


def test_thunder_stands_out_and_the_bound_is_dashed_grey() -> None:
    (axes,) = drawn(swept()).axes
    found = lines(axes)

    assert found["thunder"].get_linewidth() > found["default"].get_linewidth()
    assert found["thunder"].get_color() == POLICIES["thunder"]
    assert found["bound"].is_dashed()


def test_the_ends_of_the_lines_are_labelled_with_the_last_median() -> None:
    (axes,) = drawn(swept()).axes

    assert {text.get_text() for text in axes.texts} == {"engine alone  100", "thunder  310", "bound  400"}


def test_every_workload_has_a_panel() -> None:
    cells = [cell("tr", load, workload=name, steps_per_min=9.0) for name in ("swe", "search") for load in (1.0, 2.0)]
    figure = drawn(study(*cells))

    assert len(figure.axes) == 2
    assert [text.get_text() for text in figure.texts] == ["A title", "swe", "search"]


def test_one_load_is_drawn_as_bars() -> None:
    (axes,) = drawn(study(cell("default", steps_per_min=100.0), cell("thunder", steps_per_min=300.0))).axes

    assert [bar.get_width() for bar in axes.patches] == [100.0, 300.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["engine alone", "thunder"]
    assert {text.get_text() for text in axes.texts} == {"100", "300"}


def test_a_policy_without_the_metric_at_some_load_has_a_shorter_line() -> None:
    cells = [cell("tr", load, hit_rate=0.5) for load in (1.0, 2.0, 4.0)]
    (axes,) = drawn(study(*cells, cell("thunder", 1.0, hit_rate=0.9), cell("thunder", 2.0)), "hit_rate").axes

    assert list(lines(axes)["thunder"].get_xdata()) == [1.0]


def test_there_is_no_figure_of_what_nobody_has() -> None:
    of = swept()

    assert draw_against_load("A title", "makespan_s", comparisons(of), looks(of.policies)) is None


def test_forty_policies_have_labels_that_do_not_touch() -> None:
    cells = [cell(f"policy-{index}", load, steps_per_min=100.0 + index / 10) for index in range(40) for load in (1.0, 2.0)]
    (axes,) = drawn(study(*cells)).axes
    height_points = 72 * axes.get_position().height * axes.figure.get_figheight()
    at = sorted(text.xyann[1] * height_points for text in axes.texts)

    assert len(at) == 40
    assert min(above - below for below, above in pairwise(at)) > 11  # a line of 9 points


@pytest.mark.parametrize("wanted", [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.5, 0.5, 0.9]])
def test_labels_are_set_apart_within_the_axis(wanted: list[float]) -> None:
    places = apart(wanted, 0.3, 1.0)

    assert places == sorted(places)
    assert min(b - a for a, b in pairwise(places)) >= 0.3 - 1e-9
    assert places[0] >= 0 and places[-1] <= 1
