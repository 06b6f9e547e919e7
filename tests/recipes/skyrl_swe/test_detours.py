"""Detours only read: whatever an attempt looks at on its way, the repository stays as its script left it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytest.importorskip("minisweagent")
from recipes.skyrl_swe.detours import CHECKS, LOOKS
from recipes.skyrl_swe.repository import template_repository
from recipes.skyrl_swe.tasks import load_tasks


@pytest.mark.parametrize("command", [command for _, command in (*LOOKS, *CHECKS)])
def test_a_detour_runs_and_leaves_the_repository_as_it_was(command: str, tmp_path: Path) -> None:
    task = next(iter(load_tasks().values()))
    repository = template_repository(task, tmp_path)
    source = next(path for path in sorted(repository.rglob("*.py")) if path.name != "__init__.py")
    source.write_text(source.read_text(encoding="utf-8") + "# a change\n", encoding="utf-8")

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True, text=True).stdout

    before = git("status", "--porcelain"), git("diff")
    path = source.relative_to(repository).as_posix()
    done = subprocess.run(["bash", "-c", command.format(path=path)], cwd=repository, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout or "--check" in command
    assert (git("status", "--porcelain"), git("diff")) == before
