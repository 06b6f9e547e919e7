"""The replay policy depends on seed and session alone."""

from __future__ import annotations

import pytest

pytest.importorskip("yaml")
from recipes.skyrl_swe.replay import GIVE_UP, replay
from recipes.skyrl_swe.tasks import load_tasks

TASK = next(iter(load_tasks().values()))


def prompt(turns: int) -> str:
    user = TASK.prompt()[1]["content"]
    return f"<|im_start|>user\n{user}<|im_end|>\n" + "<|im_start|>assistant\nx<|im_end|>\n" * turns + "<|im_start|>assistant\n"


def test_a_session_plays_one_script_from_its_first_turn_to_its_last() -> None:
    policy = replay(seed=3)
    script = policy.script(TASK.id, TASK.scripts, "7_1")
    answers = [policy.answer(prompt(turn), "7_1") for turn in range(len(script.replies))]
    assert tuple(answers) == script.replies
    assert policy.answer(prompt(len(script.replies)), "7_1") == GIVE_UP


def test_sessions_and_seeds_choose_different_scripts_and_the_same_ones_again() -> None:
    def chosen(seed: int) -> list[str]:
        return [replay(seed).answer(prompt(0), f"{row}_{sample}") for row in range(8) for sample in range(4)]

    assert len(set(chosen(0))) > 1
    assert chosen(0) == chosen(0)
    assert chosen(0) != chosen(1)


def test_a_prompt_of_no_known_task_is_given_up() -> None:
    assert replay(0).answer("<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n", None) == GIVE_UP
