"""The corpus, its index, and a scripted attempt that finds its way through them; none of it needs slime."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipes.slime_search.corpus import Question, passages, questions
from recipes.slime_search.dataset import split, write_dataset
from recipes.slime_search.index import SearchIndex, shipped
from recipes.slime_search.protocol import INSTRUCTIONS, action_of, information
from recipes.slime_search.reward import exact_match
from recipes.slime_search.scripted import Scripted

TOP = 3


def test_no_two_passages_have_one_title_and_no_two_questions_one_text() -> None:
    assert len({passage.title for passage in passages()}) == len(passages()) > 300
    assert len({question.text for question in questions()}) == len(questions()) > 100


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.answer)
def test_each_search_of_a_question_finds_what_the_next_one_asks_for_or_the_answer(question: Question) -> None:
    country, _, water, element, symbol = (_found(query) for query in question.searches)
    assert question.searches[1].removeprefix("capital of ").lower() in country
    assert question.searches[3].removeprefix("element named after ").lower() in element
    first, _, second = question.answer.lower().partition("; ")
    assert first in water
    assert f"the symbol {second} " in symbol


def _found(query: str) -> str:
    return " ".join(f"{passage.title} {passage.text}" for passage in shipped().search(query, TOP)).lower()


def test_words_are_compared_without_accents_endings_or_operators() -> None:
    assert shipped().search("zloty brasilia", 1)[0].title == "Brasília"
    assert shipped().search('NEAR("AND" OR', 1)
    assert shipped().search("?!", TOP) == []
    assert SearchIndex([]).search("gold", TOP) == []


def test_an_action_is_the_first_whole_tag() -> None:
    assert action_of("<think>no <search></think><search> gold </search><answer>Au</answer>") == ("search", "gold")
    assert action_of("<answer>Au</answer>") == ("answer", "Au")
    assert action_of("<search>gold") is None


def test_the_reward_is_for_the_last_answer_but_for_case_articles_and_punctuation() -> None:
    assert exact_match("<answer>gold</answer><answer> the VISTULA. </answer>", "the Vistula") == 1
    assert exact_match("<answer>Vistula river</answer>", "the Vistula") == 0
    assert exact_match("the Vistula", "the Vistula") == 0


def test_questions_are_split_and_none_is_in_both_parts() -> None:
    train, evaluation = split(seed=1)
    assert len(train) + len(evaluation) == len(questions())
    assert not set(train) & set(evaluation)
    assert split(seed=1) == (train, evaluation) != split(seed=2)


def attempt(policy: Scripted, question: Question) -> str:
    """The model's and the tool's words, until there is an answer."""
    text = f"<|im_start|>user\n{INSTRUCTIONS.format(question=question.text)}<|im_end|>\n<|im_start|>assistant\n"
    for _ in range(14):
        message = policy.answer(text, None)
        text += message
        action = action_of(message)
        assert action is not None
        if action[0] == "answer":
            return text
        text += information(shipped().search(action[1], TOP))
    raise AssertionError("it never answers")


def test_the_samples_of_a_prompt_differ_and_are_the_same_for_the_same_seed() -> None:
    question = questions()[0]
    one, other = Scripted(3), Scripted(3)
    attempts = [attempt(one, question) for _ in range(8)]
    assert len(set(attempts)) == 8
    assert [attempt(other, question) for _ in range(8)] == attempts
    assert [attempt(Scripted(4), question)] != attempts[:1]


def test_attempts_are_right_about_as_often_as_is_said() -> None:
    policy = Scripted(0)
    rewards = [exact_match(attempt(policy, question).rpartition("<|im_start|>")[2], question.answer) for question in questions()]
    assert 0.6 < sum(rewards) / len(rewards) < 0.8


def test_attempts_at_once_are_kept_apart() -> None:
    question, policy = questions()[0], Scripted(0)
    prompt = f"{INSTRUCTIONS.format(question=question.text)}<|im_end|>\n<|im_start|>assistant\n"
    first, second = (prompt + policy.answer(prompt, None) for _ in range(2))
    back = information(shipped().search("gold", TOP))
    assert policy.answer(second + back, None) == policy.messages(question, 2)[1]
    assert policy.answer(first + back, None) == policy.messages(question, 1)[1]


def test_an_unknown_prompt_is_given_up() -> None:
    assert action_of(Scripted(0).answer("Question: why?<|im_end|>", None)) == ("answer", "unknown")
    assert action_of(Scripted(0).answer("hello", None)) == ("answer", "unknown")


def test_the_dataset_has_prompts_as_messages(tmp_path: Path) -> None:
    train, evaluation = write_dataset(tmp_path)
    assert train.read_text().count("\n") > 5 * evaluation.read_text().count("\n") > 0
    assert '"role": "user"' in train.read_text().splitlines()[0]
