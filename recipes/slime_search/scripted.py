"""The seeded policy that answers for a model when the engine is simulated: it searches its way to the answer, with detours.

slime names no session to engines, so the samples of a prompt are told apart by what they say: the first requests with one prompt
get one variant each, in the order in which they come, and everything after that follows from the text alone. The same seed thus
gives every prompt the same variants under every scheduler.
"""

from __future__ import annotations

import functools
import random
import re
from collections import Counter
from itertools import islice

from recipes.slime_search.corpus import Question, passages, questions
from recipes.slime_search.protocol import END_OF_INFORMATION

VARIANT = re.compile(r"\[attempt (\d+)\]")
ASKED = re.compile(r"Question: (.*?)<\|im_end\|>", re.DOTALL)
DETOURS = (1, 2, 2, 3, 4, 5)
"""Searches that lead nowhere, of which an attempt makes one of these numbers."""
RIGHT = 0.7
"""Share of attempts that end with the right answer."""
THOUGHTS = (
    "I go step by step and write down what I know so far before I decide what to look for next.",
    "The passage tells one part of the chain; the next part has to come from another passage.",
    "Some of these passages are about something else, so I read only what belongs to the question.",
    "I should not guess here, although I believe I remember it; one more search makes sure.",
    "The names are similar, so I compare them with what the question says, word by word.",
    "What I have found fits the question. I keep it in mind and go on from there.",
    "It is not obvious which of the results is meant. The title decides.",
    "I restate the question in my own words: which fact do I need, and which fact leads to it?",
)
GIVE_UP = "<think>I know of no such question.</think><answer>unknown</answer>"


class Scripted:
    """An ``Answers`` policy of the simulated engine."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._attempts: Counter[str] = Counter()

    def answer(self, prompt_text: str, session_id: str | None) -> str:
        """The attempt's next message."""
        asked = ASKED.search(prompt_text)
        question = _by_text().get(asked[1]) if asked else None
        if question is None:
            return GIVE_UP
        variant = VARIANT.search(prompt_text)
        if variant is None:
            self._attempts[question.text] += 1
        number = int(variant[1]) if variant else self._attempts[question.text]
        messages = self.messages(question, number)
        return messages[min(prompt_text.count(END_OF_INFORMATION + "\n"), len(messages) - 1)]

    def messages(self, question: Question, attempt: int) -> tuple[str, ...]:
        """All that an attempt says."""
        chooser = random.Random(f"{self._seed}/{question.text}/{attempt}")
        searches = list(question.searches)
        for _ in range(chooser.choice(DETOURS)):
            searches.insert(chooser.randrange(len(searches)), chooser.choice(passages()).title)
        answer = question.answer if chooser.random() < RIGHT else chooser.choice(questions()).answer
        actions = [*(f"<search>{query}</search>" for query in searches), f"<answer>{answer}</answer>"]
        return tuple(
            f"<think>{'' if turn else f'[attempt {attempt}] '}{_thoughts(chooser)}</think>{action}"
            for turn, action in enumerate(actions)
        )


def scripted(seed: int) -> Scripted:
    """Factory for the engine's ``--answers``."""
    return Scripted(int(seed))


def _thoughts(chooser: random.Random) -> str:
    shuffled = chooser.sample(THOUGHTS, len(THOUGHTS))
    return " ".join(islice(shuffled, chooser.randint(1, 3)))


@functools.cache
def _by_text() -> dict[str, Question]:
    return {question.text: question for question in questions()}
