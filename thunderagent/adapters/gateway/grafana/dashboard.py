"""The dashboard as Grafana's JSON (schema 39, which Grafana 10.4 and all newer ones read)."""

from __future__ import annotations

import itertools
import math
import string
from collections.abc import Iterator, Sequence
from typing import Any

from thunderagent.adapters.gateway.grafana.panel import Look, Panel, Query
from thunderagent.adapters.gateway.grafana.promql import now
from thunderagent.adapters.gateway.grafana.sections import SECTIONS

Json = dict[str, Any]
COLUMNS = 24
SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
OFF, ON = "transparent", "blue"
"""Of states: what is not the case has no colour, in light and in dark."""


def dashboard() -> Json:
    """To be imported in Grafana; it asks for the data source."""
    return {
        "title": "thunderagent",
        "uid": "thunderagent",
        "description": "Made by `thunderagent grafana-dashboard`.",
        "tags": ["thunderagent", "llm"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,  # one crosshair for all panels
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "10s",
        "timezone": "browser",
        "templating": {"list": [_source(), _variable("job"), _variable("instance", '{job=~"$job"}')]},
        "annotations": {"list": [_weight_syncs()]},
        "panels": list(_panels()),
    }


def _panels() -> Iterator[Json]:
    """All, laid out from left to right under the name of their section."""
    ids, y = itertools.count(1), 0
    for section, panels in SECTIONS.items():
        yield {
            "id": next(ids),
            "type": "row",
            "title": section,
            "collapsed": False,
            "panels": [],
            "gridPos": _at(0, y, COLUMNS, 1),
        }
        y += 1
        for line in _lines(panels):
            width, height = COLUMNS // len(line), line[0].height
            for place, panel in enumerate(line):
                yield {"id": next(ids), **_panel(panel), "gridPos": _at(place * width, y, width, height)}
            y += height


def _lines(panels: Sequence[Panel]) -> Iterator[Sequence[Panel]]:
    """Lines of one kind of height, about equally full: nothing stands alone."""
    for _, group in itertools.groupby(panels, lambda panel: (panel.height, panel.width)):
        together = list(group)
        count = math.ceil(len(together) * together[0].width / COLUMNS)
        for index in range(count):
            yield together[index * len(together) // count : (index + 1) * len(together) // count]


def _panel(panel: Panel) -> Json:
    defaults, options = _looks(panel)
    shown: Json = {
        "type": panel.look.value,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "targets": [_target(panel, name, query) for name, query in zip(string.ascii_uppercase, panel.queries, strict=False)],
    }
    if panel.look is Look.TABLE:
        hidden = {"Time": True, "Value": True}
        shown["transformations"] = [{"id": "organize", "options": {"excludeByName": hidden}}]
    return shown


def _looks(panel: Panel) -> tuple[Json, Json]:
    """What belongs to a kind of panel: of its fields, and of the whole."""
    unit: Json = {"unit": panel.unit}
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
    match panel.look:
        case Look.LINES:
            stacking = {"mode": "normal" if panel.stacked else "none", "group": "A"}
            fill = 40 if panel.stacked else 10
            custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": fill, "showPoints": "never", "stacking": stacking}
            return unit | {"min": 0, "custom": custom}, {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
        case Look.NUMBER:
            reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
            return unit, {"reduceOptions": reduced, "graphMode": "area", "colorMode": "none", "textMode": "value"}
        case Look.HEATMAP:
            axis = {"unit": panel.unit, "axisPlacement": "left"}
            color = {"mode": "scheme", "scheme": "Blues", "steps": 64, "exponent": 0.5}
            return {}, {"calculate": False, "yAxis": axis, "color": color, "cellGap": 1, "legend": {"show": False}}
        case Look.STATES:
            words = {"0": {"text": "no", "color": OFF, "index": 0}, "1": {"text": "yes", "color": ON, "index": 1}}
            custom = {"fillOpacity": 70, "lineWidth": 0}
            fields = {"mappings": [{"type": "value", "options": words}], "custom": custom}
            return unit | fields, {"mergeValues": True, "showValue": "never", "rowHeight": 0.8, "legend": legend}
        case Look.TABLE:
            return {}, {"showHeader": True}


def _target(panel: Panel, name: str, query: Query) -> Json:
    form = {Look.HEATMAP: "heatmap", Look.TABLE: "table"}.get(panel.look, "time_series")
    at_once = panel.look is Look.TABLE
    return {
        "refId": name,
        "datasource": SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend,
        "format": form,
        "instant": at_once,
        "range": not at_once,
    }


def _at(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}


def _source() -> Json:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1}


def _variable(label: str, within: str = "") -> Json:
    """Chooses gateways by one of the labels that Prometheus gives them."""
    query = f"label_values(thunderagent_programs{within}, {label})"
    return {
        "name": label,
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "A"},
        "refresh": 2,  # when the time range changes
        "includeAll": True,
        "allValue": ".+",
        "multi": True,
        "current": {"text": ["All"], "value": ["$__all"]},
        "sort": 1,
    }


def _weight_syncs() -> Json:
    """Marks them in every panel."""
    return {
        "name": "Weight syncs",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "purple",
        "expr": f"{now('weight_sync', of='max')} > 0",
        "step": "10s",
        "titleFormat": "weight sync",
    }
