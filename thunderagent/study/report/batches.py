"""Batches: how long they take, and when half of their groups are complete."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from thunderagent.study.report.bars import bar_panel
from thunderagent.study.report.canvas import compose
from thunderagent.study.report.comparison import Comparison
from thunderagent.study.report.palette import INK, PAPER, Look


def draw_makespans(title: str, found: Sequence[Comparison], looks: dict[str, Look]) -> Figure | None:
    """None: there is no batch."""
    panels = [bar_panel("makespan_s", one, looks, mark="groups_half_s") for one in found if one.is_batch]
    half = Line2D([], [], color=PAPER, marker="D", ms=5.5, mec=INK, mew=0.9, ls="none", label="half of the groups complete")
    marked = any("groups_half_s" in row for one in found for row in one.rows.values())
    return compose(title, panels, min(2, len(panels)), [half] if marked else []) if panels else None
