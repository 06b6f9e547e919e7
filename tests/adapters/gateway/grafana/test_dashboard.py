"""Every panel asks for metrics that there are, in PromQL that parses, and every metric is shown or left out on purpose."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from thunderagent.adapters.gateway.grafana import dashboard, promql
from thunderagent.adapters.gateway.grafana.sections import LEFT_OUT
from thunderagent.adapters.gateway.manage.metrics import FAMILIES, Kind

RULES = Path(__file__).parents[4] / "docs/prometheus/alerts.yml"
SERIES = {name: family for family in FAMILIES for name in family.series}


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [expression.replace("$__rate_interval", "1m") for expression in asked]


def rules() -> list[str]:
    return [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def nodes(expression: Any) -> Iterator[Any]:
    """A parsed expression and all in it."""
    yield expression
    for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
        inner = getattr(expression, name, None)
        if inner is not None and not isinstance(inner, str | int | float):
            yield from nodes(inner)
    for inner in getattr(expression, "args", ()):
        yield from nodes(inner)


def selected(expression: str) -> list[Any]:
    """The selectors of a PromQL expression."""
    return [node for node in nodes(promql_parser.parse(expression)) if isinstance(node, promql_parser.VectorSelector)]


@pytest.mark.parametrize("expression", sorted({*expressions(), *rules()}))
def test_only_registered_metrics_and_labels_are_asked_for(expression: str) -> None:
    selectors = selected(expression)
    assert selectors
    assert sorted(re.findall(r"(?:thunderagent|process)_\w+", expression)) == sorted(selector.name for selector in selectors)
    for selector in selectors:
        family = SERIES[selector.name]
        allowed = {*family.labels, "job", "instance"}
        assert {matcher.name for matcher in selector.matchers.matchers} <= allowed
    by = {name for names in re.findall(r" by \(([^)]*)\)", expression) for name in names.split(", ")}
    assert by <= {*(label for selector in selectors for label in SERIES[selector.name].labels), "le", "job", "instance"}


@pytest.mark.parametrize("expression", expressions())
def test_counters_are_shown_as_rates_and_gauges_as_they_are(expression: str) -> None:
    parsed = promql_parser.parse(expression)
    rated = {node.vector_selector.name for node in nodes(parsed) if isinstance(node, promql_parser.MatrixSelector)}
    for selector in selected(expression):
        assert (selector.name in rated) == (SERIES[selector.name].kind is not Kind.GAUGE)


def test_every_metric_is_shown_or_left_out_on_purpose() -> None:
    shown = {SERIES[selector.name].name for expression in expressions() for selector in selected(expression)}
    assert shown | set(LEFT_OUT) == {family.name for family in FAMILIES}
    assert not shown & set(LEFT_OUT)


def test_a_name_that_is_not_registered_is_an_error_and_so_is_the_wrong_kind() -> None:
    with pytest.raises(KeyError):
        promql.now("no_such_metric")
    with pytest.raises(AssertionError, match="turns is a counter"):
        promql.now("turns")


def test_panels_do_not_overlap_and_have_ids_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    shown = dashboard()["panels"]
    for panel in shown:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in shown}) == len(shown)


def test_the_sections_are_those_of_the_other_dashboards() -> None:
    rows = [panel["title"] for panel in dashboard()["panels"] if panel["type"] == "row"]
    assert rows[:6] == ["Throughput", "KV cache", "Waiting", "Tools", "Engines", "HTTP"]


def test_every_panel_explains_itself_and_its_lines_are_told_apart() -> None:
    for panel in panels():
        assert panel["description"].endswith(".")
        legends = [target["legendFormat"] for target in panel["targets"]]
        assert len(set(legends)) == len(legends)
        for target in panel["targets"]:
            by = re.findall(r" by \(([^)]*)\)", target["expr"])
            if (
                panel["type"] in ("timeseries", "state-timeline")
                and by
                and by[-1] != "le"
                and target["expr"][:3] not in ("avg", "max")
            ):
                assert f"{{{{{by[-1]}}}}}" in target["legendFormat"]


def test_it_is_json_that_asks_for_the_data_source() -> None:
    text = json.dumps(dashboard())
    assert json.loads(text) == dashboard()
    sources = {json.dumps(panel["datasource"]) for panel in panels()}
    assert sources == {'{"type": "prometheus", "uid": "${datasource}"}'}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian's prometheus) is not installed")
def test_promtool_finds_that_every_alert_fires_when_it_should() -> None:
    for command in (["check", "rules", "--lint-fatal", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        ran = subprocess.run(["promtool", *command], cwd=RULES.parent, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
