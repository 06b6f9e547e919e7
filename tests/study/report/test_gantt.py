from __future__ import annotations

from tests.study.report.studies import timeline
from thunderagent.study.document import Track
from thunderagent.study.report.gantt import MAX_TRACKS, draw_gantt


def test_each_span_is_a_bar_in_the_row_of_its_program() -> None:
    figure = draw_gantt("Programs", timeline())
    assert figure is not None
    (axes,) = figure.axes
    bars = {state.get_label(): [path.get_extents() for path in state.get_paths()] for state in axes.collections}
    found = {state: [(box.x0, box.x1, round((box.y0 + box.y1) / 2)) for box in boxes] for state, boxes in bars.items()}

    assert found == {"reasoning": [(0, 8, 0)], "queued": [], "tool": [(8, 30, 0)], "paused": [(0, 25, 1)]}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["swe-0", "swe-1"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first program is at the top"


def test_states_have_different_colours_that_a_key_explains() -> None:
    figure = draw_gantt("Programs", timeline())
    assert figure is not None

    assert len({tuple(state.get_facecolor()[0]) for state in figure.axes[0].collections}) == 4
    assert len(figure.legends[0].get_texts()) == 4


def test_only_so_many_programs_are_drawn_as_are_legible() -> None:
    figure = draw_gantt("Programs", timeline(tracks=[Track(f"swe-{index}", [("tool", 0.0, 1.0)]) for index in range(90)]))
    assert figure is not None

    assert len(figure.axes[0].get_yticklabels()) == MAX_TRACKS


def test_there_is_no_figure_without_tracks() -> None:
    assert draw_gantt("Programs", timeline(tracks=[])) is None
    assert draw_gantt("Programs", timeline(tracks=[Track("swe-0", [])])) is None
