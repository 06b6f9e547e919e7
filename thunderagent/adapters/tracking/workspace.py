"""The dashboard as W&B's own objects: a saved view of a project's workspace, and a report."""

from __future__ import annotations

from typing import Any

from thunderagent.adapters.tracking.axes import WALL_TIME
from thunderagent.adapters.tracking.charts import SECTIONS, Chart, Section

TITLE = "thunderagent"
COLUMNS, ROWS = 2, 3
"""Of charts in a section: two beside each other are wide enough for their titles."""
REPORT_WIDTH, CHART_HEIGHT, TABLE_HEIGHT = 24, 8, 14
"""In W&B's grid of a report."""


def workspace(entity: str, project: str) -> Any:
    """A saved view, not yet saved."""
    import wandb_workspaces.workspaces as ws

    sections = [
        ws.Section(
            name=section.name,
            panels=[*(_line_plot(chart) for chart in section.charts), *_tables(section)],
            is_open=True,
            layout_settings=ws.SectionLayoutSettings(columns=COLUMNS, rows=ROWS),
        )
        for section in SECTIONS
    ]
    settings = ws.WorkspaceSettings(sort_panels_alphabetically=False, ignore_outliers=False)
    return ws.Workspace(entity=entity, project=project, name=TITLE, sections=sections, settings=settings)


def report(entity: str, project: str) -> Any:
    """The same with words, to be written on by its reader; not yet saved."""
    import wandb_workspaces.reports.v2 as wr

    blocks: list[Any] = [wr.TableOfContents()]
    for section in SECTIONS:
        blocks += [
            wr.H2(text=section.name),
            wr.P(text=section.look_for),
            wr.PanelGrid(runsets=[wr.Runset(name="Runs")], panels=_placed(section)),  # of the report's project
        ]
    blocks += [wr.H2(text="Findings"), wr.P(text="What changed between the runs, and why.")]
    return wr.Report(
        entity=entity,
        project=project,
        title=f"{TITLE}: what scheduling does",
        description="Throughput, KV cache, waiting, tools, programs and training of the runs below.",
        blocks=blocks,
        width="fluid",
    )


def as_json(made: Any) -> dict[str, Any]:
    """What would be sent to W&B: of a workspace or a report."""
    model = made._to_model()
    spec: dict[str, Any] = model.spec.model_dump(by_alias=True, exclude_none=True, mode="json")
    return {"entity": made.entity, "project": made.project, "displayName": model.display_name, "spec": spec}


def _line_plot(chart: Chart, layout: Any = None) -> Any:
    import wandb_workspaces.reports.v2 as wr

    return wr.LinePlot(
        title=chart.title,
        x="Step" if chart.over_step else WALL_TIME,
        y=list(chart.keys),
        range_y=chart.range_y,
        title_x="training step" if chart.over_step else "wall time (s)",
        title_y=chart.unit,
        plot_type="stacked-area" if chart.stacked else "line",
        ignore_outliers=False,
        **({} if layout is None else {"layout": layout}),
    )


def _tables(section: Section) -> list[Any]:
    import wandb_workspaces.reports.v2 as wr

    return [wr.WeavePanelSummaryTable(table_name=key) for key, _ in section.tables]


def _placed(section: Section) -> list[Any]:
    """In a report every panel says where it is."""
    import wandb_workspaces.reports.v2 as wr

    width = REPORT_WIDTH // COLUMNS
    panels = []
    for index, chart in enumerate(section.charts):
        row, column = divmod(index, COLUMNS)
        panels.append(_line_plot(chart, wr.Layout(x=column * width, y=row * CHART_HEIGHT, w=width, h=CHART_HEIGHT)))
    below = -(-len(section.charts) // COLUMNS) * CHART_HEIGHT
    for table in _tables(section):
        table.layout = wr.Layout(x=0, y=below, w=REPORT_WIDTH, h=TABLE_HEIGHT)
        panels.append(table)
    return panels
