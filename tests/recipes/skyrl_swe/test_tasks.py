"""The tasks are what they say: bugs that the hidden tests see, scripts that earn the reward they name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from recipes.skyrl_swe.tasks import Script, Task, load_tasks

pytest.importorskip("minisweagent")
from recipes.skyrl_swe.environment import SWEEnvironment
from recipes.skyrl_swe.executors import LocalProcesses
from recipes.skyrl_swe.repository import template_repository

TASKS = load_tasks()


def play(task: Task, script: Script, work_dir: Path) -> tuple[float, int, bool]:
    environment = SWEEnvironment(extras={"task_id": task.id, "work_dir": str(work_dir), "max_turns": 12})
    environment.init(task.prompt())
    result: Any = {"done": False, "reward": 0.0}
    for reply in script.replies:
        assert not result["done"], f"{task.id}/{script.name} ends before its last turn"
        result = environment.step(reply)
    turns = environment.get_metrics()["turns"]
    environment.close()
    return result["reward"], turns, result["done"]


def test_there_are_at_least_24_tasks_with_scripts_of_3_to_12_turns_right_and_wrong() -> None:
    assert len(TASKS) >= 24
    for task in TASKS.values():
        assert len(task.scripts) >= 3
        assert {script.reward for script in task.scripts} == {0, 1}
        assert all(3 <= len(script.replies) <= 12 for script in task.scripts)
        assert sum(1 for _ in task.repo.rglob("*.py")) >= 4


@pytest.mark.parametrize("task_id", TASKS)
def test_every_script_earns_the_reward_it_names(task_id: str, tmp_path: Path) -> None:
    task = TASKS[task_id]
    template_repository(task, tmp_path)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda script: play(task, script, tmp_path), task.scripts))
    for script, outcome in zip(task.scripts, outcomes, strict=True):
        assert outcome == (float(script.reward), len(script.replies), True), script.name
    assert {path.name for path in tmp_path.iterdir()} == {"templates"}, "attempts remove their copies"


@pytest.mark.parametrize("task_id", TASKS)
def test_the_bug_is_there_and_only_the_hidden_tests_see_it(task_id: str, tmp_path: Path) -> None:
    task = TASKS[task_id]
    executor = LocalProcesses(template_repository(task, tmp_path), tmp_path)
    visible = executor.execute({"command": "python3 -m unittest discover -q -s tests -t ."})
    assert visible["returncode"] == 0, visible["output"]
    hidden = task.hidden_test.read_text(encoding="utf-8")
    found = executor.execute(
        {"command": f"cat > test_hidden.py <<'END_OF_TEST'\n{hidden}\nEND_OF_TEST\npython3 -m unittest -q test_hidden"}
    )
    assert found["returncode"] != 0
