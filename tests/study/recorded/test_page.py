"""The page of recorded runs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("msgspec")

from tests.study.recorded.runs import busy, run, step
from thunderagent.study.recorded import page
from thunderagent.study.recorded.gantt import MAX_SPANS, SHOWN, draw_gantt, time_text
from thunderagent.study.recorded.ranking import Ranking
from thunderagent.study.recorded.run import Run


def data(made: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json">(.*?)</script>', made, re.DOTALL)
    assert found is not None
    read: dict[str, Any] = json.loads(found[1])
    return read


def test_a_page_has_numbers_pictures_programs_and_tables(tmp_path: Path) -> None:
    made = page(run(tmp_path, *busy(), name="today"))

    assert "<h1><small>recorded run</small>today</h1>" in made
    assert "200 steps of 50 programs at 2 engines, from 2023-11-14 22:13 UTC" in made
    for title in ("Throughput and KV cache over time", "What programs do", "Waits of turns", "Turns in each engine"):
        assert title in made
    for words in ("Slowest programs", "Most waiting programs", "http://engine-1", "bash", "KV hit rate", "train/49"):
        assert words in made
    assert "better" not in re.sub(r"<style>.*?</style>", "", made, flags=re.DOTALL).replace("line is better", "")


def test_a_page_needs_nothing_from_elsewhere_and_runs_no_script_but_its_own(tmp_path: Path) -> None:
    made = page(run(tmp_path, *busy()))

    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"|url\((?!#|data:)|@import', made)
    script = re.search(r"<script>(.*?)</script>", made, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'" in made
    assert not re.search(r"\son\w+=", made)


def test_two_runs_lie_in_the_same_pictures_and_the_better_one_is_marked(tmp_path: Path) -> None:
    quick, slow = run(tmp_path / "a", *busy(), name="thunder"), run(tmp_path / "b", *busy(each=8), step("z", 1, 900), name="off")

    made = page(quick, slow)

    assert "thunder compared with off" in made
    assert re.search(r'<span class="mark better">\d+\.\d\dx better</span>', made)
    assert made.count('<div class="gantt"') == 2
    assert made.count("Throughput and KV cache over time</text>") == 1
    assert data(made)["length_s"] == slow.steps.length_s, "both on one scale"


def test_names_of_programs_are_text_wherever_they_stand(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    made = page(run(tmp_path, step(evil, group=evil, backend=evil, tool=evil), step(evil, 2, 9, tool=evil), name=evil))

    assert made.count("<script>") == 1
    assert "alert(1)</script>" not in made
    assert data(made)["programs"][0]["name"] == evil


def test_notes_are_told_with_the_run_that_they_are_of(tmp_path: Path) -> None:
    found, other = run(tmp_path / "a", step()), run(tmp_path / "b", step())
    told = Run("first", found.path, found.steps, notes=["profile.jsonl: 3 lines are broken"])
    assert "<li>profile.jsonl: 3 lines are broken</li>" in page(told)
    assert "<li>first: profile.jsonl: 3 lines are broken</li>" in page(told, other)


def test_the_smallest_run_has_a_page(tmp_path: Path) -> None:
    untold = step(cached_tokens=None, reprefilled_tokens=None, prefill_s=None, decode_s=None, queue_s=None, backend="", tool="")
    assert "1 step of 1 program at 0 engines" in page(run(tmp_path, untold | {"completed_at": untold["arrived_at"]}))


def test_programs_can_be_looked_at_in_several_orders(tmp_path: Path) -> None:
    found = run(tmp_path, *busy(programs=3 * SHOWN))
    gantt = draw_gantt(found.steps, Ranking(found.steps), "run", found.steps.length_s)
    document = json.loads(gantt.data)

    assert list(gantt.views) == list(document["views"]) == ["slowest", "waiting", "sample"]
    assert {len(places) for places in document["views"].values()} == {SHOWN}
    names = {document["programs"][place]["name"] for place in document["views"]["waiting"]}
    assert f"train/{3 * SHOWN - 1}" in names
    assert gantt.svg.count("<text x=") == SHOWN


def test_spans_are_whole_parts_of_the_run_in_order(tmp_path: Path) -> None:
    found = run(tmp_path, step(), step("a", 2, 15, tool_call_s=10.0))
    gantt = draw_gantt(found.steps, Ranking(found.steps), "run", 20.0)

    spans = json.loads(gantt.data)["programs"][0]["spans"]
    assert spans[:6] == [1, 0, 50_000, 2, 50_000, 50_000]
    assert spans[12:15] == [0, 250_000, 500_000], "the tool"
    assert gantt.views == {"all": "all programs, by birth"}


def test_a_program_of_very_many_steps_keeps_its_longest_spans(tmp_path: Path) -> None:
    many = [step("a", number + 1, 10.0 * number, tool_call_s=4.0 * (number > 0)) for number in range(2_000)]
    found = run(tmp_path, *many)
    gantt = draw_gantt(found.steps, Ranking(found.steps), "run", found.steps.length_s)

    spans = json.loads(gantt.data)["programs"][0]["spans"]
    assert len(spans) == 3 * MAX_SPANS
    assert spans[1::3] == sorted(spans[1::3])
    assert spans[::3].count(0) == 1_999, "all tool calls"
    assert len(gantt.svg) < 100_000


@pytest.mark.parametrize(("at_s", "length_s", "text"), [(2.5, 10, "2.5 s"), (0, 900, "0:00:00"), (4_000, 9_000, "1:06:40")])
def test_times_read_as_clocks_in_long_runs(at_s: float, length_s: float, text: str) -> None:
    assert time_text(at_s, length_s) == text
