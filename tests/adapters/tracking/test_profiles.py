"""Profiles on disk: nothing lost at the end, and nothing stops for them."""

from __future__ import annotations

import csv
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.tracking.steps import step
from thunderagent.adapters.tracking import ProfileWriter, profiles
from thunderagent.runtime import StepProfile
from thunderagent.runtime.tools import SandboxProfile

SANDBOX = SandboxProfile("p", "thunderagent-1", "python:3.12", "used", 9.0, 30.0, 2.0, 28.0, 60.0, False, 1, 4_096)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open(newline="")))


def test_every_step_put_before_close_is_in_both_files_and_what_is_unknown_is_empty(tmp_path: Path) -> None:
    writer = ProfileWriter(tmp_path / "new" / "folder", StepProfile)
    for number in range(500):
        writer.put(step(number))
    writer.close()
    writer.close()
    written, told = rows(tmp_path / "new" / "folder" / "profile.csv"), lines(tmp_path / "new" / "folder" / "profile.jsonl")
    assert [row["step_id"] for row in written] == [str(number) for number in range(500)]
    assert [line["step_id"] for line in told] == list(range(500))
    assert (written[0]["prefill_s"], told[0]["prefill_s"]) == ("", None)


def test_steps_and_sandboxes_have_files_of_their_own(tmp_path: Path) -> None:
    writer = ProfileWriter(tmp_path, StepProfile, SandboxProfile)
    for profile in (step(1), SANDBOX, step(2)):
        writer.put(profile)
    writer.close()
    (row,) = rows(tmp_path / "sandboxes.csv")
    assert (row["program_id"], row["prepare_s"], row["hidden_s"], row["reused"]) == ("p", "30.0", "28.0", "False")
    (line,) = lines(tmp_path / "sandboxes.jsonl")
    assert (line["disk_bytes"], line["reused"], line["schema"]) == (4_096, False, 1)
    assert [line["step_id"] for line in lines(tmp_path / "profile.jsonl")] == [1, 2]


def test_a_step_that_cannot_be_written_is_left_out_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    writer = ProfileWriter(tmp_path, StepProfile)
    for number, program_id in enumerate(["a", "half of \ud83d", "b", "\udc00"]):
        writer.put(step(number, program_id))
    writer.close()
    assert [line["program_id"] for line in lines(tmp_path / "profile.jsonl")] == ["a", "b"]
    assert writer.dropped == 2
    assert len([record for record in caplog.records if "dropped" in record.message]) == 1


def test_a_disk_slower_than_steps_costs_steps_not_memory_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(profiles, "CHUNK", 5)
    monkeypatch.setattr(profiles, "MAX_WAITING", 10)
    monkeypatch.setattr(profiles, "FLUSH_S", 60.0)  # as if it took nothing meanwhile
    writer = ProfileWriter(tmp_path, StepProfile)
    for number in range(25):
        writer.put(step(number))
    assert writer.dropped == 15
    writer.close()
    assert [line["step_id"] for line in lines(tmp_path / "profile.jsonl")] == list(range(10))
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [
        "profiles are dropped: the disk is slower than steps come; all else goes on",
        f"profiles in {tmp_path} lack 15 lines",
    ]


def test_a_file_where_the_folder_should_be_is_said_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("mine")
    writer = ProfileWriter(tmp_path / "file", StepProfile)
    assert f"profiles cannot be written to {tmp_path}/file (File exists)" in caplog.text
    writer.put(step(1))
    writer.close()
    assert (writer.dropped, (tmp_path / "file").read_text()) == (1, "mine")
