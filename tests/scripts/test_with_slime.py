"""``scripts/with-slime``: what is wrong is said before anything is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "with-slime"


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHON": sys.executable, **variables}
    return subprocess.run([str(SCRIPT), *arguments], capture_output=True, text=True, check=False, env=env)


def test_without_a_path_it_says_how_it_is_called() -> None:
    done = run()
    assert done.returncode == 2
    assert done.stderr.startswith("scripts/with-slime PATH [COMMAND...]")


def test_a_folder_that_is_no_checkout_is_named(tmp_path: Path) -> None:
    done = run(str(tmp_path), "true")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {tmp_path} is no checkout of slime: there is no slime/rollout/sglang_rollout.py in it\n"


def checkout(folder: Path) -> Path:
    (folder / "slime" / "rollout").mkdir(parents=True)
    (folder / "slime" / "rollout" / "sglang_rollout.py").touch()
    return folder


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run(str(checkout(tmp_path)), PYTHON="/no/python")
    assert done.returncode == 2
    assert "there is no /no/python: run scripts/setup first, or set PYTHON" in done.stderr


def test_the_command_finds_slime_and_this_checkout(tmp_path: Path) -> None:
    """Its own packages are there already, as after the first time."""
    lock = SCRIPT.parent / "locks" / "slime.lock.txt"
    name = subprocess.run(["sha256sum"], stdin=lock.open(), capture_output=True, text=True, check=True).stdout[:12]
    (tmp_path / "cache" / f"slime-{name}").mkdir(parents=True)
    show = "import slime, thunderagent; print(slime.__path__[0], thunderagent.__file__)"
    done = run(str(checkout(tmp_path / "src")), "python", "-c", show, THUNDERAGENT_ENGINES=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "src" / "slime"), str(SCRIPT.parents[1] / "thunderagent" / "__init__.py")]
    assert "slime at an unknown commit: it is no git checkout" in done.stderr
