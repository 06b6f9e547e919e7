"""The questions, and what stands in for the two models that answer them."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from examples.scripted import Conversation, Scripted, call
from recipes.slime_search.corpus import passages
from recipes.slime_search.index import shipped

NUMBER = re.compile(r"The chemical element (\w+) has the symbol \w+ and the atomic number (\d+)")
ASKED = re.compile(r"How many digits has (\d+) to the power of the number of protons of (\w+)\?")
PASSAGES = 3
"""That a search gives."""


@dataclass(frozen=True)
class Question:
    """One, and what is true."""

    text: str
    answer: str


def questions(count: int, seed: int) -> list[Question]:
    """So many of a seed."""
    elements: list[tuple[str, int]] = [
        (found[1], int(found[2])) for passage in passages() if (found := NUMBER.search(passage.text))
    ]
    draw = random.Random(seed)
    drawn = [(draw.randint(3, 12), *draw.choice(elements)) for _ in range(count)]
    return [
        Question(
            f"How many digits has {base} to the power of the number of protons of {name}? End with one line: ANSWER: the number.",
            str(len(str(base**number))),
        )
        for base, name, number in drawn
    ]


def search(query: str) -> str:
    """A real one, over the passages of the recipe slime_search."""
    return "\n\n".join(f"{found.title}: {found.text}" for found in shipped().search(query, PASSAGES))


def orchestrator() -> Scripted:
    """For ``--answers`` of the embedded engine whose model is small."""
    return Scripted(_orchestrate)


def expert() -> Scripted:
    """For that of the stronger one: it computes for itself."""
    return Scripted(_check)


def _orchestrate(conversation: Conversation) -> str:
    asked = ASKED.search(conversation.task)
    if asked is None:
        return "I do not know."
    base, name = asked.groups()
    match conversation.results:
        case ():
            return f"First its protons.\n{call('search', query=f'atomic number of the element {name}')}"
        case (found,):
            number = dict(NUMBER.findall(found)).get(name, "0")
            return f"It has {number} protons.\n{call('python', code=f'print(len(str({base} ** {number})))')}"
        case (_, digits):
            claim = (
                f"{asked[0]} I say {digits.strip()}, with {dict(NUMBER.findall(conversation.results[0])).get(name, '0')} protons."
            )
            return f"I have it checked.\n{call('expert', question=claim)}"
        case (_, digits, *_):
            return f"The expert agrees.\nANSWER: {digits.strip()}"
        case _:
            raise AssertionError("all numbers of results are there")


def _check(conversation: Conversation) -> str:
    claim = re.search(ASKED.pattern + r" I say (\d+), with (\d+) protons", conversation.task)
    if claim is None:
        return "I cannot tell."
    base, _, said, number = claim.groups()
    digits = len(str(int(base) ** int(number)))
    return "right" if digits == int(said) else f"wrong: {base} to the power of {number} has {digits} digits"
