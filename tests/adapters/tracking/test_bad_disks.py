"""Disks that are full or may not be written, and processes that end in the middle: real ones."""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

WRITE = [sys.executable, "-m", "tests.adapters.tracking.steps"]


def _has_mounts() -> bool:
    """Whether a process can have file systems of its own here, as it can in most places."""
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return shutil.which("unshare") is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0


needs_mounts = pytest.mark.skipif(not _has_mounts(), reason="no mounts without privileges")


def steps_in(folder: Path) -> list[int]:
    """Every line of both files is whole, and they hold the same."""
    lines = (folder / "profile.jsonl").read_text()
    rows = (folder / "profile.csv").read_text()
    assert lines.endswith("\n")
    assert rows.endswith("\n")
    steps = [json.loads(line)["step_id"] for line in lines.splitlines()]
    assert [int(row["step_id"]) for row in csv.DictReader(rows.splitlines())] == steps
    return steps


def on_tmpfs(folder: Path, before: str, options: str = "size=600k") -> subprocess.CompletedProcess[str]:
    """2,000 steps, of 900 kB, go to a file system of that size; what is left there at the end is copied into the folder."""
    folder.mkdir()
    (mounted := folder.parent / "mounted").mkdir()
    script = (
        f"mount -t tmpfs -o {options} tmpfs {mounted} && {before} && {' '.join(WRITE)} {mounted} $STEPS; "
        f"cp {mounted}/* {folder}/ 2>/dev/null; true"
    )
    return subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=True, env=ENVIRONMENT)


ENVIRONMENT = {**os.environ, "STEPS": "600"}


@needs_mounts
def test_a_full_disk_is_told_once_and_written_again_when_there_is_room(tmp_path: Path) -> None:
    ran = on_tmpfs(tmp_path / "copy", f"head -c 500000 /dev/zero > {tmp_path}/mounted/ballast", "size=700k")
    told = ran.stderr.splitlines()
    assert len(told) == 2
    assert "cannot be written" in told[0]
    assert "No space left on device" in told[0]
    assert "are written to" in told[1]
    assert ran.stdout == "dropped 0\n"
    assert steps_in(tmp_path / "copy") == list(range(600))


@needs_mounts
def test_a_disk_that_stays_full_costs_the_steps_that_had_no_room_and_no_more(tmp_path: Path) -> None:
    ran = on_tmpfs(tmp_path / "copy", "true", "size=200k")
    steps = steps_in(tmp_path / "copy")
    assert 0 < len(steps) < 600
    assert steps == list(range(len(steps)))
    assert ran.stdout == f"dropped {600 - len(steps)}\n"
    assert ran.stderr.count("cannot be written") == 1


@needs_mounts
def test_a_folder_that_may_not_be_written_is_told_once_and_the_run_goes_on(tmp_path: Path) -> None:
    ran = on_tmpfs(tmp_path / "copy", "true", "ro")
    assert ran.stdout == "dropped 600\n"
    assert ran.stderr.count("Read-only file system") == 1
    assert list((tmp_path / "copy").iterdir()) == []


def test_a_file_that_may_not_grow_ends_with_a_whole_line(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    ran = subprocess.run([*WRITE, tmp_path, "600"], capture_output=True, text=True, check=True, preexec_fn=limit)
    assert ran.stdout == f"dropped {600 - len(steps_in(tmp_path))}\n"
    assert ran.stderr.count("File too large") == 1


def test_a_process_that_crashes_leaves_all_its_steps(tmp_path: Path) -> None:
    ran = subprocess.run([*WRITE, tmp_path, "600", "crash"], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert steps_in(tmp_path) == list(range(600))


def test_a_process_that_is_killed_loses_the_last_moment_alone(tmp_path: Path) -> None:
    with subprocess.Popen([*WRITE, tmp_path, "600", "for-ever"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
    lines = [json.loads(line) for line in (tmp_path / "profile.jsonl").read_bytes().rpartition(b"\n")[0].splitlines()]
    assert [line["step_id"] for line in lines][:600] == list(range(600))
