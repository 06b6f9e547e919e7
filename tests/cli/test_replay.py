from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.cli.support import Command
from thunderagent.study.document import Study

PROFILE = Path(__file__).parents[1] / "simulation" / "traces" / "recorded_profile.jsonl"
ALONE = ("-p", "default", "--workers", "1", "--no-report")
UNTIMED = {"program_id": "p", "step_id": 1, "prompt_tokens": 900, "completion_tokens": 20}


def written(folder: Path) -> Study:
    return Study.from_json((folder / "study.json").read_text(encoding="utf-8"))


def lines(*records: object) -> str:
    return "".join(f"{record if isinstance(record, str) else json.dumps(record)}\n" for record in records)


def test_a_recorded_profile_is_replayed_with_every_usual_policy(thunderagent: Command, tmp_path: Path) -> None:
    ran = thunderagent("replay", PROFILE, "--workers", 1, "-o", tmp_path)
    study = written(tmp_path)

    assert ran.status == 0
    assert study.policies == ["default", "cap", "tr", "thunder", "bound"]
    assert study.title == "Replay of recorded_profile.jsonl"
    assert study.settings["trace"] == "recorded_profile.jsonl: 8 programs, 32 turns, format profile"
    assert study.settings["arrivals"] == "programs begin as recorded, 1 times as fast"
    assert study.cells[0].metrics["programs_done"] == 8
    assert (tmp_path / "report.html").exists()


def test_arrivals_can_come_faster(thunderagent: Command, tmp_path: Path) -> None:
    spread = [{**UNTIMED, "program_id": name, "arrived_at": at_s} for name, at_s in (("a", 0.0), ("b", 100.0))]
    (tmp_path / "trace").write_text(lines(*spread))
    makespans_s = []
    for speed in (1, 4):
        assert thunderagent("replay", tmp_path / "trace", "--speed", speed, *ALONE, "-o", tmp_path).status == 0
        makespans_s.append(written(tmp_path).cells[0].metrics["makespan_s"])

    assert makespans_s == pytest.approx([100.5, 25.5], abs=0.1)


def test_programs_can_follow_one_another_instead(thunderagent: Command, tmp_path: Path) -> None:
    ran = thunderagent("replay", PROFILE, "--programs", 3, *ALONE, "-o", tmp_path)

    assert ran.status == 0
    assert written(tmp_path).cells[0].programs == 3
    assert written(tmp_path).settings["arrivals"] == "3 programs at any time"


def test_lines_that_are_broken_are_counted_and_told_with_their_numbers(thunderagent: Command, tmp_path: Path) -> None:
    (tmp_path / "trace").write_text(lines(UNTIMED, "{", {**UNTIMED, "program_id": "q"}, {**UNTIMED, "prompt_tokens": -1}, ""))
    ran = thunderagent("replay", tmp_path / "trace", "--programs", 2, *ALONE, "--fault", "tokens=2", "-o", tmp_path)
    notes = written(tmp_path).notes

    assert ran.status == 0
    assert notes[0].startswith("2 of 5 lines could not be used: line 2: ")
    assert "line 4: " in notes[0]
    assert notes[-2:] == ["1 empty line", "fault: tokens=2"]
    assert "note: 2 of 5 lines could not be used" in ran.out


def test_a_compressed_trace_of_a_named_format_is_replayed(thunderagent: Command, tmp_path: Path) -> None:
    (tmp_path / "trace.gz").write_bytes(gzip.compress(PROFILE.read_bytes()))

    assert thunderagent("replay", tmp_path / "trace.gz", "--format", "profile", *ALONE, "-o", tmp_path).status == 0


def test_brackets_in_names_are_no_markup(thunderagent: Command, tmp_path: Path) -> None:
    trace, folder = tmp_path / "[red]trace.jsonl", tmp_path / "[" / "red]"
    trace.write_bytes(PROFILE.read_bytes())
    ran = thunderagent("replay", trace, *ALONE, "-o", folder)

    assert ran.status == 0
    assert "[red]trace.jsonl default" in ran.err
    assert f"written: {folder}/study.json" in ran.err


def test_programs_are_needed_where_the_trace_has_no_arrivals(thunderagent: Command, tmp_path: Path) -> None:
    (tmp_path / "trace").write_text(lines(UNTIMED))

    problem = thunderagent("replay", tmp_path / "trace", *ALONE).problem
    assert problem.startswith("--programs=: must be given: ")
    assert problem.endswith("does not tell when its programs arrived")


def test_a_trace_that_is_not_there_is_told(thunderagent: Command, tmp_path: Path) -> None:
    assert thunderagent("replay", tmp_path / "none").problem.startswith(f"{tmp_path}/none cannot be read: ")


def test_a_trace_without_a_usable_line_is_told_with_what_was_expected(thunderagent: Command, tmp_path: Path) -> None:
    (tmp_path / "trace").write_text("not json\n{\n")

    problem = thunderagent("replay", tmp_path / "trace").problem
    assert problem.startswith(f"{tmp_path}/trace: no line has a known format; 2 lines were read (line 1: ")
    assert "profile" in problem


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("--format mine", "must be one of profile, bailian, "),
        ("--policy best", "--policy=best: must be one of default, "),
        ("--engine 1b", "--engine=1b: must be one of 32b-2xh100, "),
        ("--speed inf", "--speed=inf: must be positive and finite"),
        ("--set block_size_tokens=0", "block_size_tokens is 0, it must be at least 1"),
        ("--fault capacity=-1", "capacity_factor is -1.0, it must be positive and finite"),
    ],
)
def test_a_mistake_is_told_in_one_line(thunderagent: Command, arguments: str, problem: str, tmp_path: Path) -> None:
    assert problem in thunderagent("replay", PROFILE, *arguments.split(), "-o", tmp_path / "out").problem
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", ["--programs 0", "--speed 0", "--speed nan"])
def test_a_number_out_of_range_is_told_with_its_option(thunderagent: Command, arguments: str) -> None:
    ran = thunderagent("replay", PROFILE, *arguments.split())

    assert ran.status == 2
    assert arguments.split(maxsplit=1)[0] in ran.err
