"""The RL examples as their READMEs start them; the two recipes among them are tests/recipes' own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples.steps import PATTERN


def run(module: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a folder of its own: runs leave ``outputs/`` where they are started."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False)


def steps_of(module: str, folder: Path) -> list[dict[str, float]]:
    done = run(module, folder)
    log = folder / "outputs" / module.rpartition(".")[2] / "run.log"
    assert done.returncode == 0, done.stderr + (log.read_text()[-3000:] if log.exists() else "")
    matches = [PATTERN.fullmatch(line) for line in done.stdout.splitlines()]
    assert all(matches), done.stdout
    names = ("step", "reward", "hit_rate", "held_s", "turns")
    return [dict(zip(names, map(float, match.groups()), strict=True)) for match in matches if match]


def turns_in(folder: Path) -> int:
    rows = [json.loads(line) for line in (folder / "profile.jsonl").read_text().splitlines()]
    return sum(row["outcome"] == "completed" for row in rows)


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_generator_of_ones_own_is_scheduled(tmp_path: Path) -> None:
    pytest.importorskip("skyrl")
    steps = steps_of("examples.skyrl_custom_generator", tmp_path)  # scripts/run examples.skyrl_custom_generator
    assert [step["step"] for step in steps] == [1, 2, 3]
    assert all(0 < step["reward"] < 1 and step["hit_rate"] > 0.3 for step in steps)
    assert max(step["held_s"] for step in steps) > 0
    assert sum(step["turns"] for step in steps) == turns_in(tmp_path / "outputs" / "skyrl_custom_generator")


@pytest.mark.slow
def test_a_generate_function_of_ones_own_is_scheduled(tmp_path: Path) -> None:
    pytest.importorskip("slime.rollout", reason="slime is not importable: scripts/with-slime slime runs this")
    steps = steps_of(
        "examples.slime_custom_generate", tmp_path
    )  # scripts/with-slime slime python -m examples.slime_custom_generate
    assert [step["step"] for step in steps] == [1, 2, 3]
    assert all(0 < step["reward"] < 1 and step["hit_rate"] > 0.3 for step in steps)
    assert max(step["held_s"] for step in steps) > 0
    assert sum(step["turns"] for step in steps) == turns_in(tmp_path / "outputs" / "slime_custom_generate")


def test_without_slime_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "slime.py").write_text("")  # the other project of that name
    done = run("examples.slime_custom_generate", tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: slime is not importable: get its source (git clone https://github.com/THUDM/slime)")
    assert "scripts/with-slime PATH_TO_IT python -m examples.slime_custom_generate" in line
