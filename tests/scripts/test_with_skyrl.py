"""``scripts/with-skyrl``: a checkout's code instead of the installed SkyRL."""

from __future__ import annotations

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "with-skyrl"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=30, check=False)


def test_the_checkout_comes_first(tmp_path: Path) -> None:
    (tmp_path / "skyrl" / "train").mkdir(parents=True)
    done = run(str(tmp_path), "printenv", "PYTHONPATH")
    assert done.stdout.startswith(f"{tmp_path}:{tmp_path}/skyrl-gym:")


def test_what_is_no_checkout_is_refused_in_one_line(tmp_path: Path) -> None:
    done = run(str(tmp_path))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "must be a checkout of SkyRL's repository" in done.stderr
