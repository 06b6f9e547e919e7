"""The benchmark of the dashboard, tiny. No times are looked at."""

from __future__ import annotations

import time

import msgspec
import pytest

from benchmarks.observe import dashboard
from benchmarks.observe.made_up import MadeUp
from tests.browser import browsing
from thunderagent.adapters.gateway.manage.snapshot import EngineNow, ProgramNow, Snapshot

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.browser]


def test_what_is_made_up_has_the_fields_of_the_real_one_and_its_programs_move_on() -> None:
    made_up = MadeUp(20, 2)
    now_s = time.time()
    told = made_up.snapshot(now_s)

    def names(kind: type) -> set[str]:
        return {field.name for field in msgspec.structs.fields(kind)}

    assert set(told) == names(Snapshot)
    assert set(told["programs"][0]) == names(ProgramNow)
    assert set(told["engines"][0]) <= names(EngineNow)
    later = made_up.snapshot(now_s + 60)
    assert later["totals"]["steps"] > told["totals"]["steps"]


def test_frames_are_counted_in_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    with browsing():
        pass  # skipped where there is none
    for name, value in {"PROGRAMS": 12, "WARM_S": 1.0, "MEASURED_S": 2.0}.items():
        monkeypatch.setattr(dashboard, name, value)
    figures = dashboard.measure(True)
    assert set(figures) == {
        f"dashboard, {what}{of}"
        for what in ("12 programs", "12 programs, all at once")
        for of in ("", ", frame, mean", ", frame, longest")
    }
    assert all(figure.value > 0 for figure in figures.values())
