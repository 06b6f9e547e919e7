"""The environment: commands run, mistakes are answered, attempts end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("minisweagent")
pytest.importorskip("skyrl_gym")
from recipes.skyrl_swe.environment import SWEEnvironment
from recipes.skyrl_swe.tasks import SUBMIT, load_tasks
from tests.runtime.tools.threads import living
from thunderagent.adapters.skyrl import tools
from thunderagent.adapters.tools.bubblewrap import BubblewrapBackend, why_not

TASK = next(iter(load_tasks()))
FILES = "sandboxes"
Attempt = Callable[..., SWEEnvironment]


def bash(command: str) -> str:
    return f"I try this.\n\n```bash\n{command}\n```"


@pytest.fixture(params=["sandbox", "sandbox with an image", "local"])
def attempt(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Attempt]:
    """Begins one. An image is a root file system; without, sandboxes are made from the repository."""

    def begin(max_turns: int = 5) -> SWEEnvironment:
        sandbox = None if request.param == "local" else {"image": "/" if "image" in request.param else "", "setup": ""}
        extras = {"task_id": TASK, "work_dir": str(tmp_path), "max_turns": max_turns, "sandbox": sandbox, tools.PROGRAM: "p"}
        made = SWEEnvironment(extras=extras)
        made.init([])
        return made

    if request.param == "local":
        yield begin
        return
    if why_not():
        pytest.skip(why_not())
    with living(BubblewrapBackend(str(tmp_path / FILES))) as thread:
        tools.use(thread.tools)
        yield begin


def test_a_command_runs_in_the_repository_and_its_output_comes_back(attempt: Attempt) -> None:
    result = attempt().step(bash("cd /testbed && git log --oneline | wc -l && ls README.md && exit 3"))
    assert not result["done"]
    assert result["observations"][0]["content"] == "<returncode>3</returncode>\n<output>\n1\nREADME.md\n</output>"


def test_long_output_is_cut_and_says_so(attempt: Attempt) -> None:
    content = attempt().step(bash("head -c 5000 /dev/zero | tr '\\0' x"))["observations"][0]["content"]
    assert "[1000 more characters]" in content
    assert len(content) < 4_200


def test_a_reply_without_exactly_one_block_is_answered_with_what_is_expected(attempt: Attempt) -> None:
    made = attempt()
    for reply, count in (("no block", 0), (bash("ls") + bash("ls"), 2)):
        result = made.step(reply)
        assert not result["done"]
        assert f"there were {count}" in result["observations"][0]["content"]


def test_a_submission_ends_the_attempt_and_the_unsolved_bug_earns_nothing(attempt: Attempt) -> None:
    made = attempt()
    result = made.step(bash(f"echo {SUBMIT} && git add -A && git diff --cached"))
    assert (result["done"], result["reward"]) == (True, 0.0)


def test_the_last_turn_ends_the_attempt(attempt: Attempt) -> None:
    made = attempt(max_turns=2)
    assert not made.step(bash("true"))["done"]
    assert made.step(bash("true"))["done"]


def test_an_empty_answer_of_a_lost_engine_ends_the_attempt_as_an_error(attempt: Attempt) -> None:
    made = attempt()
    assert made.step("")["done"]
    assert made.get_metrics()["engine_failed"] == 1.0
