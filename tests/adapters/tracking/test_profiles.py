"""Profiles on disk: the published columns first, whole lines, nothing lost at the end."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from thunderagent.adapters.tracking import CSV_COLUMNS, ProfileWriter
from thunderagent.runtime import StepProfile
from thunderagent.runtime.tools import SandboxProfile


def step(number: int) -> StepProfile:
    return StepProfile(
        program_id="train/0_1",
        step_id=number,
        prefill_s=None,
        decode_s=2.0,
        pause_s=0.5,
        tool_call_s=0.1,
        kv_hit_rate=0.9,
        completed_at=12.0,
        arrived_at=9.0,
        queue_s=None,
        prompt_tokens=100,
        cached_tokens=90,
        completion_tokens=7,
        reprefilled_tokens=0,
        backend="http://e:1",
        group="train/0",
        phase="train",
        outcome="completed",
    )


def test_the_columns_of_the_published_system_come_first() -> None:
    published = "program_id,step_id,prefill_s,decode_s,pause_s,tool_call_s,kv_hit_rate,completed_at"
    assert ",".join(CSV_COLUMNS).startswith(published)


def test_every_step_put_before_close_is_in_both_files_and_what_is_unknown_is_empty(tmp_path: Path) -> None:
    writer = ProfileWriter(tmp_path / "new" / "folder", StepProfile)
    for number in range(500):
        writer.put(step(number))
    writer.close()
    writer.close()
    rows = list(csv.DictReader((tmp_path / "new" / "folder" / "profile.csv").open()))
    lines = [json.loads(line) for line in (tmp_path / "new" / "folder" / "profile.jsonl").read_text().splitlines()]
    assert [row["step_id"] for row in rows] == [str(number) for number in range(500)]
    assert [line["step_id"] for line in lines] == list(range(500))
    assert rows[0]["prefill_s"] == ""
    assert lines[0]["prefill_s"] is None


def test_sandboxes_have_files_of_their_own(tmp_path: Path) -> None:
    writer = ProfileWriter(tmp_path, SandboxProfile)
    writer.put(SandboxProfile("p", "thunderagent-1", "python:3.12", "used", 9.0, 30.0, 2.0, 28.0, 60.0, False, 1, 4_096))
    writer.close()
    (row,) = csv.DictReader((tmp_path / "sandboxes.csv").open())
    assert (row["program_id"], row["prepare_s"], row["hidden_s"], row["reused"]) == ("p", "30.0", "28.0", "False")
    assert json.loads((tmp_path / "sandboxes.jsonl").read_text())["disk_bytes"] == 4_096
    assert not (tmp_path / "profile.csv").exists()
