"""Programs, engines and tools, by what they took."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("msgspec")
pytest.importorskip("numpy")

from tests.study.recorded.runs import busy, step, steps
from thunderagent.study.recorded.ranking import EngineRow, ProgramRow, Ranking, ToolRow, engine_rows, tool_rows


def test_the_slowest_and_the_most_waiting_come_first(tmp_path: Path) -> None:
    ranking = Ranking(
        steps(
            tmp_path,
            step("waits", pause_s=3.0, group="g"),
            step("slow"),
            step("waits", 2, 5, pause_s=3.0),
            step("slow", 2, 50, tool_call_s=45.0),
            step("never", pause_s=0.0, queue_s=0.0),
        )
    )
    assert [row.name for row in ranking.rows(ranking.slowest())] == ["slow", "waits", "never"]
    waiting = ranking.rows(ranking.most_waiting())
    assert [row.name for row in waiting] == ["waits", "slow"]
    assert waiting[0] == ProgramRow("waits", "g", 2, 10, 8, 2, 0, 0.5, 40)
    assert waiting[1].tool_s == 45


def test_a_sample_is_spread_over_the_births(tmp_path: Path) -> None:
    ranking = Ranking(steps(tmp_path, *busy(programs=50)))
    assert [ranking.name(int(program)) for program in ranking.spread(3)] == ["train/0", "train/24", "train/49"]
    assert len(ranking.spread(80)) == 50


def test_engines_have_their_own_numbers(tmp_path: Path) -> None:
    found = steps(tmp_path, step("a", backend="one"), step("b", backend="two"), step("b", 2, 9, backend="two", pause_s=9.0))
    first, second = engine_rows(found)
    assert first == EngineRow("two", 2, 1, 0.5, 40, first.wait_p99_s, 20)
    assert first.wait_p99_s > second.wait_p99_s == 2


def test_a_tools_time_is_told_by_the_step_that_follows_its_call(tmp_path: Path) -> None:
    found = steps(
        tmp_path,
        step("a", 1, tool="bash"),
        step("a", 2, 15, tool="edit", tool_call_s=10.0),
        step("a", 3, 22, tool="", tool_call_s=2.0),
        step("b", 1, tool="bash"),
    )
    assert tool_rows(found) == [ToolRow("bash", 1, 10, 10, 10), ToolRow("edit", 1, 2, 2, 2)]
