"""``thunderagent report`` of recorded runs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("msgspec")

from tests.cli.support import Command
from tests.study.recorded.runs import busy, step, write
from tests.study.report.studies import swept


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return write(tmp_path / "today" / "profile.jsonl", *busy())


def test_a_profile_becomes_a_page_beside_it(thunderagent: Command, profile: Path) -> None:
    ran = thunderagent("report", profile)

    assert ran.status == 0, ran
    assert "throughput (steps/min)" in ran.out
    assert ran.out.endswith(f"{profile.parent}/report.html\n")
    assert "200 steps of 50 programs" in (profile.parent / "report.html").read_text(encoding="utf-8")
    assert {path.name for path in profile.parent.iterdir()} == {"profile.jsonl", "report.html"}


def test_its_folder_names_it_too_and_the_page_may_go_elsewhere(thunderagent: Command, profile: Path, tmp_path: Path) -> None:
    assert thunderagent("report", profile.parent, "-o", tmp_path / "new" / "page.html").status == 0
    assert thunderagent("report", profile.parent, "-o", tmp_path / "folder").status == 0
    assert (tmp_path / "new" / "page.html").is_file()
    assert (tmp_path / "folder" / "report.html").is_file()


def test_two_runs_are_compared(thunderagent: Command, profile: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "yesterday" / "profile.jsonl", *busy(each=8), step("z", 1, 900))
    other.with_suffix(".gz").write_bytes(gzip.compress(other.read_bytes()))

    ran = thunderagent("report", profile, "--vs", other)

    assert ran.status == 0, ran
    assert "today compared with yesterday" in ran.out
    assert "x better" in ran.out
    assert thunderagent("report", profile, "--vs", other.with_suffix(".gz")).status == 0


def test_broken_lines_are_told_and_the_page_is_made(thunderagent: Command, profile: Path) -> None:
    with profile.open("a", encoding="utf-8") as file:
        file.write('{"program_id": "a", "st')

    ran = thunderagent("report", profile)

    assert ran.status == 0
    assert "warning: profile.jsonl: 1 line is broken and left out; the first: line 201: " in ran.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["none.jsonl"], "none.jsonl cannot be read: there is no such file or folder"),
        (["empty"], "empty has no profile.jsonl: a run writes it"),
        (["today", "--vs", "none"], "none cannot be read"),
        (["newer.jsonl"], "newer.jsonl has schema 2"),
        (["words.jsonl"], "words.jsonl holds no step; line 1: "),
        (["study.json", "--vs", "today"], "compares recorded runs (profile.jsonl), but "),
        (["today", "-o", "today/profile.jsonl/below"], "cannot be written: Not a directory"),
        (["today", "-o", "empty.html"], "is a folder, but its name is that of a page"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(
    thunderagent: Command,
    profile: Path,
    tmp_path: Path,
    arguments: list[str],
    problem: str,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.html").mkdir()
    (tmp_path / "words.jsonl").write_text("hello\n", encoding="utf-8")
    write(tmp_path / "newer.jsonl", step(schema=2))
    (tmp_path / "study.json").write_text(swept().to_json(), encoding="utf-8")

    ran = thunderagent("report", *(one if one.startswith("-") else tmp_path / one for one in arguments))

    assert ran.status == 2
    assert problem in ran.err
    assert "Traceback" not in ran.err


def test_a_profile_of_any_name_is_known_by_what_is_in_it(thunderagent: Command, profile: Path) -> None:
    renamed = profile.rename(profile.with_name("steps.txt"))
    assert thunderagent("report", renamed).status == 0


def test_a_folder_with_a_study_alone_has_its_report_made_again(thunderagent: Command, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(json.dumps(json.loads(swept().to_json())), encoding="utf-8")
    assert thunderagent("report", tmp_path).status == 0
    assert (tmp_path / "report.html").is_file()
