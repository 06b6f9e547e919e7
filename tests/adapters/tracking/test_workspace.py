"""The dashboard: what is drawn is logged, what is logged is drawn, and W&B's objects can be made of it without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from thunderagent.adapters.tracking.axes import (
    EVALUATION_PREFIXES,
    SCHEDULING,
    SCHEDULING_KEYS,
    TABLES,
    TRAINING,
    TRAINING_PREFIXES,
    WALL_TIME,
)
from thunderagent.adapters.tracking.charts import SECTIONS, Chart

pytest.importorskip("wandb_workspaces")

from thunderagent.adapters.tracking.workspace import as_json, report, workspace

STEP_KEYS = {prefix + name for prefix in (*TRAINING_PREFIXES.values(), *EVALUATION_PREFIXES.values()) for name, _, _ in TRAINING}
NOT_DRAWN = {"thunder/programs/known", "thunder/tools/waited_s", "thunder/scheduler/degraded"}
"""The height of a stack, a sum since the start, and what is an error in the log; all are in W&B's table of runs."""
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pydantic's, of wandb-workspaces
CHARTS = [chart for section in SECTIONS for chart in section.charts]


def panels(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if "viewType" in tree:
            yield tree
        for value in tree.values():
            yield from panels(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from panels(value)


def test_the_sections_are_those_that_users_know() -> None:
    assert [section.name for section in SECTIONS] == ["Throughput", "KV cache", "Waiting", "Tools", "Programs", "Training"]


def test_every_line_is_a_metric_that_is_logged_over_the_axis_of_its_chart() -> None:
    for chart in CHARTS:
        assert set(chart.keys) <= (STEP_KEYS if chart.over_step else set(SCHEDULING_KEYS)), chart.title
    assert {key for section in SECTIONS for key, _ in section.tables} == set(TABLES)


def test_every_metric_of_scheduling_is_drawn_once() -> None:
    drawn = [key for chart in CHARTS for key in chart.keys if not chart.over_step]
    assert sorted(drawn) == sorted(set(SCHEDULING_KEYS) - NOT_DRAWN)


def test_lines_of_a_chart_have_one_unit_and_shares_their_whole_range() -> None:
    units = {metric.key: metric.unit for metric in SCHEDULING}
    units |= {prefix + name: unit for prefix in ("thunder/train/", "rollout/thunder/") for name, unit, _ in TRAINING}
    units |= {prefix + name: unit for prefix in ("thunder/eval/", "eval/thunder/") for name, unit, _ in TRAINING}
    for chart in CHARTS:
        (unit,) = {units[key] for key in chart.keys}
        assert chart.unit, chart.title
        assert (unit == "share") == chart.unit.startswith("share"), chart.title
        assert chart.range_y[0] == 0


def test_titles_are_told_apart_and_fit_above_a_chart() -> None:
    titles = [(section.name, chart.title) for section in SECTIONS for chart in section.charts]
    assert len(set(titles)) == len(titles)
    assert max(len(title) for _, title in titles) <= 60


def plots_of(made: Any) -> list[dict[str, Any]]:
    spec = as_json(made)
    assert (spec["entity"], spec["project"]) == ("team", "agents")
    return [panel for panel in panels(json.loads(json.dumps(spec))) if panel["viewType"] == "Run History Line Plot"]


@pytest.mark.parametrize("make", [workspace, report])
def test_w_and_bs_objects_have_every_chart_with_its_title_unit_range_and_axis(make: Any) -> None:
    plots = plots_of(make("team", "agents"))
    assert [as_chart(plot["config"]) for plot in plots] == [expected(chart) for chart in CHARTS]


def as_chart(config: dict[str, Any]) -> tuple[Any, ...]:
    names = ("chartTitle", "yAxisTitle", "metrics", "yAxisMin", "yAxisMax", "xAxis", "plotType")
    return tuple(config.get(name) for name in names)


def expected(chart: Chart) -> tuple[Any, ...]:
    low, high = chart.range_y
    axis, kind = "_step" if chart.over_step else WALL_TIME, "stacked-area" if chart.stacked else "line"
    return chart.title, chart.unit, list(chart.keys), low, high, axis, kind


def test_nothing_in_a_report_lies_on_anything_else() -> None:
    for block in as_json(report("team", "agents"))["spec"]["blocks"]:
        if block["type"] != "panel-grid":
            continue
        taken: set[tuple[int, int]] = set()
        for panel in panels(block):
            place = panel["layout"]
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert not cells & taken
            assert max(x for x, _ in cells) < 24
            taken |= cells


def test_the_tables_are_in_both() -> None:
    for make in (workspace, report):
        text = json.dumps(as_json(make("team", "agents")))
        assert all(name in text for name in TABLES)
