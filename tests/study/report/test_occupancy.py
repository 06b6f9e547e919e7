from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.study.report.studies import samples, timeline
from thunderagent.study.report.occupancy import draw_occupancy


def areas(axes: Any) -> dict[str, tuple[float, float]]:
    found = {}
    for area in axes.collections:
        extents = area.get_paths()[0].get_extents()
        found[area.get_label()] = (extents.y0, extents.y1)
    return found


def test_areas_are_stacked_and_the_capacity_is_a_line() -> None:
    figure = draw_occupancy("KV", timeline())
    assert figure is not None
    cache, _ = figure.axes

    assert areas(cache) == {"reasoning": (0, 30), "held for tools": (30, 50), "shared": (50, 60)}
    assert list(cache.get_lines()[0].get_ydata()) == [100, 100]


def test_waiting_programs_are_lines_below() -> None:
    figure = draw_occupancy("KV", timeline())
    assert figure is not None
    lines = {line.get_label(): list(line.get_ydata()) for line in figure.axes[1].get_lines()}

    assert lines == {"queued": [5] * 4, "paused": [1] * 4}


def test_a_cache_that_is_asked_for_more_than_it_has_shows_it() -> None:
    figure = draw_occupancy("KV", timeline(engines=[replace(samples(), reasoning_tokens=[400] * 4)]))
    assert figure is not None

    assert figure.axes[0].get_ylim()[1] > 430


def test_an_area_without_tokens_is_not_drawn() -> None:
    figure = draw_occupancy("KV", timeline(engines=[replace(samples(), shared_tokens=[0] * 4)]))
    assert figure is not None

    assert "shared" not in areas(figure.axes[0])
    assert "shared" not in {text.get_text() for text in figure.legends[0].get_texts()}


def test_few_engines_have_a_panel_each_and_many_are_summed() -> None:
    two = draw_occupancy("KV", timeline(engines=[samples("a"), samples("b")]))
    many = draw_occupancy("KV", timeline(engines=[samples(str(index)) for index in range(9)]))
    assert two is not None and many is not None

    assert len(two.axes) == 3
    assert len(many.axes) == 2
    assert areas(many.axes[0])["reasoning"] == (0, 270)
    assert list(many.axes[1].get_lines()[0].get_ydata()) == [45] * 4


def test_lists_of_unequal_length_are_cut() -> None:
    figure = draw_occupancy("KV", timeline(engines=[replace(samples(), held_tokens=[20])]))
    assert figure is not None

    assert list(figure.axes[1].get_lines()[0].get_xdata()) == [10.0]


def test_there_is_no_figure_without_samples() -> None:
    assert draw_occupancy("KV", timeline(engines=[])) is None
    assert draw_occupancy("KV", timeline(engines=[samples(steps=0)])) is None
