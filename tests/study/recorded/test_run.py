"""Runs, read from the files that they left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("msgspec")
pytest.importorskip("numpy")

from tests.study.recorded.runs import BEGAN, run, step, steps, write
from thunderagent.errors import ProfileError
from thunderagent.study.recorded.run import find_profile, read_run, run_names

SANDBOX = {"program_id": "a", "outcome": "used", "prepare_s": 4.0, "waited_s": 1.0, "hidden_s": 3.0, "reused": False}


def test_steps_are_put_together_by_program(tmp_path: Path) -> None:
    found = steps(tmp_path, step("b", 1, 1), step("a", 1, 2), step("b", 2, 9), step("a", 2, 10))

    assert found.number["step_id"].tolist() == [1, 2, 1, 2]
    assert found.number["arrived_at"].tolist() == [0, 8, 1, 9]
    assert found.first.tolist() == [0, 2]
    assert found.last().tolist() == [1, 3]
    assert (found.began_at, found.length_s) == (BEGAN + 1, 14)


def test_an_id_whose_steps_begin_anew_is_a_new_program(tmp_path: Path) -> None:
    assert steps(tmp_path, step("a", 1), step("a", 2), step("a", 1), step("a", 2)).first.tolist() == [0, 2]


def test_times_that_run_backwards_are_made_harmless(tmp_path: Path) -> None:
    found = steps(tmp_path, step(pause_s=-1.0, completed_at=BEGAN - 5))
    assert found.wait_s.tolist() == [1.0], "of its queue"
    assert found.length_s == 0


def test_sandboxes_beside_a_profile_are_read(tmp_path: Path) -> None:
    write(tmp_path / "sandboxes.jsonl", SANDBOX, SANDBOX | {"reused": True}, SANDBOX | {"outcome": "unused"})

    found = run(tmp_path, step()).sandboxes

    assert found is not None
    assert (found.used, found.reused, found.unused) == (2, 1, 1)
    assert (found.prepare_s, found.waited_s, found.hidden_s) == (12, 3, 9)


def test_sandboxes_that_cannot_be_read_are_told_and_the_steps_are_reported(tmp_path: Path) -> None:
    write(tmp_path / "sandboxes.jsonl", {"schema": 99})
    found = run(tmp_path, step())
    assert found.sandboxes is None
    assert "sandboxes.jsonl has schema 99" in found.notes[0]


def test_older_steps_beside_a_profile_are_told_of(tmp_path: Path) -> None:
    write(tmp_path / "profile.1.jsonl", step())
    assert "profile.1.jsonl beside it has older steps" in run(tmp_path, step()).notes[0]


@pytest.mark.parametrize(("content", "problem"), [("", "it is empty"), ("no json\n", "line 1: "), ("\n\n", "it is empty")])
def test_a_file_without_steps_says_what_was_expected(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "profile.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(ProfileError) as told:
        read_run(tmp_path / "profile.jsonl", "run")
    assert str(told.value).startswith(f"{tmp_path}/profile.jsonl holds no step; {problem}")
    assert "expected is a profile of thunderagent" in str(told.value)


def test_a_profile_is_found_in_its_folder(tmp_path: Path) -> None:
    assert find_profile(tmp_path) is None
    path = write(tmp_path / "profile.jsonl.gz", step())
    assert find_profile(tmp_path) == find_profile(path) == path
    with pytest.raises(ProfileError, match="no such file or folder"):
        find_profile(tmp_path / "none")


def test_runs_are_called_by_their_mode(tmp_path: Path) -> None:
    paths = [write(tmp_path / name / "profile.jsonl", step()) for name in ("0", "1")]
    for path, mode in zip(paths, ("off", "thunder"), strict=True):
        path.with_name("summary.json").write_text(json.dumps({"mode": mode}), encoding="utf-8")
    assert run_names(paths) == ["off", "thunder"]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/runs/today/profile.jsonl"], ["today"]),
        (["/runs/off.jsonl", "/runs/on.jsonl.gz"], ["off", "on"]),
        (["/runs/0/profile.jsonl", "/runs/1/profile.jsonl"], ["0", "1"]),
        (["/a/x/profile.jsonl", "/b/x/profile.jsonl"], ["a/x", "b/x"]),
        (["/a/profile.jsonl", "/a/profile.jsonl"], ["profile.jsonl 1", "profile.jsonl 2"]),
    ],
)
def test_runs_are_called_by_what_tells_their_paths_apart(paths: list[str], names: list[str]) -> None:
    assert run_names([Path(path) for path in paths]) == names
