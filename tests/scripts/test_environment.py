"""Environments of engines: made once for all checkouts, whole or not at all. Here an interpreter stands for what pip installs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
SETUP = """
import sys
sys.path.insert(0, {engines!r})
import environment
from pathlib import Path
made = environment.Environment("real-toy", Path({lock!r}))
environment.Environment._install = lambda self: (self.python.parent.mkdir(parents=True), self.python.symlink_to(sys.executable))
{then}
"""


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THUNDERAGENT_ENGINES", str(tmp_path / "engines"))
    file = tmp_path / "toy.lock.txt"
    file.write_text("toy==1\n")
    return file


def run(lock: Path, then: str) -> subprocess.CompletedProcess[str]:
    program = SETUP.format(engines=str(SCRIPTS / "engines"), lock=str(lock), then=then)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def environments(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "engines").glob("toy-*"))


def test_one_is_made_once_and_says_how_long_it_took(lock: Path, tmp_path: Path) -> None:
    first, second = run(lock, "made.make()"), run(lock, "made.make()")

    assert "took" in first.stderr and "GB" in first.stderr
    assert (first.returncode, second.returncode, second.stderr) == (0, 0, "")
    assert len(environments(tmp_path)) == 1


def test_one_that_was_ended_halfway_is_made_anew(lock: Path, tmp_path: Path) -> None:
    run(lock, "made.folder.mkdir(parents=True); (made.folder / 'half').touch()")
    assert "run scripts/real-toy setup first" in run(lock, "made.require()").stderr
    assert run(lock, "made.make(); made.require()").returncode == 0

    assert not (environments(tmp_path)[0] / "half").exists()


def test_one_whose_python_is_gone_is_made_anew(lock: Path, tmp_path: Path) -> None:
    run(lock, "made.make(); made.python.unlink()")

    assert run(lock, "made.require()").returncode == 1
    assert run(lock, "made.make(); made.require()").returncode == 0


def test_two_setups_at_once_make_it_once(lock: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", SETUP.format(engines=str(SCRIPTS / "engines"), lock=str(lock), then="made.make()")],
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate()[1] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert sum("setting up" in text for text in said) == 1


def test_another_lock_is_another_environment_and_removes_those_that_nobody_uses(lock: Path, tmp_path: Path) -> None:
    run(lock, "made.make()")
    lock.write_text("toy==2\n")
    run(lock, "made.make()")
    lately_used, _ = old, newest = sorted(environments(tmp_path), key=lambda folder: folder.stat().st_mtime)
    assert lately_used.exists()

    os.utime(old / "complete", (0, 0))
    lock.write_text("toy==3\n")
    assert f"removing {old}" in run(lock, "made.make()").stderr
    assert not old.exists() and newest.exists() and len(environments(tmp_path)) == 2


def test_an_installation_that_fails_is_tried_again_and_then_told(lock: Path) -> None:
    then = "environment.PAUSE_S = 0; environment._run(sys.executable, '-c', 'print(7 * 6); sys.exit(3)', tries=3)"
    ended = run(lock, then)

    assert ended.returncode == 1
    assert ended.stderr.count("trying again") == 2
    assert ended.stderr.count("NameError") == 3  # what the command said
    assert ended.stderr.endswith("ended with 1\n")
