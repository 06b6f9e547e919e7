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


def test_a_session_plays_one_script_from_its_first_turn_to_its_last_with_detours_around_it() -> None:
    policy = replay(seed=3)
    script = policy.script(TASK, "7_1")
    messages = policy.replies(TASK, "7_1")
    assert [policy.answer(prompt(turn), "7_1") for turn in range(len(messages))] == list(messages)
    assert policy.answer(prompt(len(messages)), "7_1") == GIVE_UP
    assert [message for message in messages if message in script.replies] == list(script.replies)
    assert messages[-1] == script.replies[-1]


def test_samples_of_a_group_go_different_ways_from_the_first_answer() -> None:
    first_answers = [replay(0).answer(prompt(0), f"7_{sample}") for sample in range(8)]
    assert len({answer[:120] for answer in first_answers}) == 8


@pytest.mark.parametrize("task_id", load_tasks())
def test_an_attempt_with_its_detours_has_3_to_12_turns(task_id: str) -> None:
    task = load_tasks()[task_id]
    for sample in range(8):
        assert 3 <= len(replay(0).replies(task, f"0_{sample}")) <= 12


def test_sessions_and_seeds_choose_different_scripts_and_the_same_ones_again() -> None:
    def chosen(seed: int) -> list[str]:
        return [replay(seed).answer(prompt(0), f"{row}_{sample}") for row in range(8) for sample in range(4)]

    assert len(set(chosen(0))) > 1
    assert chosen(0) == chosen(0)
    assert chosen(0) != chosen(1)


def test_a_prompt_of_no_known_task_is_given_up() -> None:
    assert replay(0).answer("<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n", None) == GIVE_UP
