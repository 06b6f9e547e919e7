"""The environment: commands run, mistakes are answered, attempts end."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("minisweagent")
from recipes.skyrl_swe import environment as module
from recipes.skyrl_swe.environment import SWEEnvironment
from recipes.skyrl_swe.tasks import SUBMIT, load_tasks

TASK = next(iter(load_tasks()))


def environment(work_dir: Path, max_turns: int = 5) -> SWEEnvironment:
    made = SWEEnvironment(extras={"task_id": TASK, "work_dir": str(work_dir), "max_turns": max_turns})
    made.init([])
    return made


def bash(command: str) -> str:
    return f"I try this.\n\n```bash\n{command}\n```"


@pytest.fixture(params=["sandboxed", "local"])
def work_dir(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "local":
        monkeypatch.setattr(module, "bubblewrap_works", lambda: False)
    elif not module.bubblewrap_works():
        pytest.skip("bubblewrap does not work here")
    return tmp_path


def test_a_command_runs_in_the_repository_and_its_output_comes_back(work_dir: Path) -> None:
    result = environment(work_dir).step(bash("cd /testbed && git log --oneline | wc -l && ls README.md && exit 3"))
    assert not result["done"]
    assert result["observations"][0]["content"] == "<returncode>3</returncode>\n<output>\n1\nREADME.md\n</output>"


def test_long_output_is_cut_and_says_so(work_dir: Path) -> None:
    content = environment(work_dir).step(bash("head -c 5000 /dev/zero | tr '\\0' x"))["observations"][0]["content"]
    assert "[1000 more characters]" in content
    assert len(content) < 4_200


def test_a_reply_without_exactly_one_block_is_answered_with_what_is_expected(work_dir: Path) -> None:
    made = environment(work_dir)
    for reply, count in (("no block", 0), (bash("ls") + bash("ls"), 2)):
        result = made.step(reply)
        assert not result["done"]
        assert f"there were {count}" in result["observations"][0]["content"]


def test_a_submission_ends_the_attempt_and_the_unsolved_bug_earns_nothing(work_dir: Path) -> None:
    made = environment(work_dir)
    result = made.step(bash(f"echo {SUBMIT} && git add -A && git diff --cached"))
    assert (result["done"], result["reward"]) == (True, 0.0)
    made.close()
    assert {path.name for path in work_dir.iterdir()} == {"templates"}


def test_the_last_turn_ends_the_attempt(work_dir: Path) -> None:
    made = environment(work_dir, max_turns=2)
    assert not made.step(bash("true"))["done"]
    assert made.step(bash("true"))["done"]


def test_an_empty_answer_of_a_lost_engine_ends_the_attempt_as_an_error(work_dir: Path) -> None:
    made = environment(work_dir)
    assert made.step("")["done"]
    assert made.get_metrics()["engine_failed"] == 1.0
