from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from thunderagent.study.report.time_axis import scale_time


@pytest.mark.parametrize(
    ("end_s", "unit"), [(0.0, "s"), (120.0, "s"), (3_600.0, "min"), (9_000.0, "min"), (90_000.0, "h"), (1e7, "h")]
)
def test_the_unit_suits_the_length_and_ticks_are_few(end_s: float, unit: str) -> None:
    axes = Figure().add_subplot()
    scale_time(axes, 0.0, end_s)

    assert axes.get_xlabel() == f"simulated time, {unit}"
    assert len([tick for tick in axes.get_xticks() if 0 <= tick <= end_s]) <= 13
