"""The task of the two custom RL examples: an agent reads a book. Each page says where it goes on, the last one has a word.

``task`` and ``turn_page`` stand for your own environment. ``reader`` answers for a model when the engine is simulated.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import random
import re
from collections import Counter
from dataclasses import dataclass

PAGES, PATH = 40, (7, 11)
"""Of a book; pages from the first to the one with the word."""
PAGE_WORDS = 140
"""About 1,000 characters, which are as many tokens here: contexts grow by that with each turn."""
TURN_PAGE_S = 0.1
"""Stands for the time that a real tool takes, in seconds."""
MAX_TURNS = 14
"""Turns after which an attempt ends without an answer."""
SYLLABLES = ("ba", "do", "fi", "ka", "lo", "mu", "ne", "pi", "ra", "so", "tu", "ve")
INSTRUCTIONS = (
    "This is book {number}. A page of it is read with READ followed by its number; each page says on which page it goes on. "
    "Begin on page {first}. The last page has a secret word: say ANSWER and the word."
)
WRONG, DETOURS = 0.3, (0, 0, 1, 2)
"""Of the simulated model: share of attempts that answer with another word; pages that an attempt reads in vain, one of these."""


@dataclass(frozen=True)
class Book:
    """The same number is always the same book."""

    path: tuple[int, ...]
    """Pages in the order in which they are to be read."""
    pages: tuple[str, ...]
    word: str


@functools.cache
def book(number: int) -> Book:
    """Write it."""
    writer = random.Random(number)
    path = tuple(writer.sample(range(PAGES), writer.randint(*PATH)))
    word = _word(writer)
    pages = [" ".join(_word(writer) for _ in range(PAGE_WORDS)) + ". Nothing follows." for _ in range(PAGES)]
    for page, following in itertools.pairwise(path):
        pages[page] = pages[page].replace("Nothing follows.", f"Go on at page {following}.")
    pages[path[-1]] = pages[path[-1]].replace("Nothing follows.", f"The word is {word}.")
    return Book(path, tuple(pages), word)


def prompt(number: int) -> list[dict[str, str]]:
    """The first message of an attempt."""
    return [{"role": "user", "content": INSTRUCTIONS.format(number=number, first=book(number).path[0])}]


async def turn_page(number: int, said: str) -> str | None:
    """The tool: what the agent gets to read; None when it has answered."""
    page = page_of(number, said)
    if page is not None:
        await asyncio.sleep(TURN_PAGE_S)
    return page


def page_of(number: int, said: str) -> str | None:
    """The same at once."""
    if "ANSWER" in said:
        return None
    asked = re.search(r"READ (\d+)", said)
    if asked is None or int(asked[1]) >= PAGES:
        return f"Say READ and a page from 0 to {PAGES - 1}, or ANSWER and the word."
    return f"Page {asked[1]}: {book(number).pages[int(asked[1])]}"


def score(number: int, said: str) -> float:
    """The reward: 1 for the right word, else 0."""
    return float(re.findall(r"ANSWER (\w+)", said)[-1:] == [book(number).word])


class Reader:
    """An ``Answers`` policy of the simulated engine: it follows the pages, with detours, and is wrong now and then.

    Attempts at one book are numbered as they come and name their number, so that the same ones come under every scheduler.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._attempts: Counter[str] = Counter()

    def answer(self, prompt_text: str, session_id: str | None) -> str:
        """What an attempt says next."""
        begun = re.search(r"Attempt (\d+)", prompt_text)
        if begun is None:
            self._attempts[prompt_text] += 1
        attempt = int(begun[1]) if begun else self._attempts[prompt_text]
        chooser = random.Random(f"{self._seed}/{re.findall(r'book [0-9]+', prompt_text)}/{attempt}")
        detours, wrong = chooser.choice(DETOURS), chooser.random() < WRONG
        read = prompt_text.count("Page ")
        if word := re.search(r"The word is (\w+)", prompt_text):
            return f"ANSWER {'none' if wrong else word[1]}"
        if 0 < read <= detours:
            return f"Perhaps there is something else before. READ {chooser.randrange(PAGES)}"
        following = re.findall(r"[Gg]o on at page (\d+)|Begin on page (\d+)", prompt_text)[-1]
        return f"{'' if begun else f'Attempt {attempt}. '}READ {following[0] or following[1]}"


def reader(seed: int) -> Reader:
    """Factory for the engine's ``--answers``."""
    return Reader(int(seed))


def _word(writer: random.Random) -> str:
    return "".join(writer.choices(SYLLABLES, k=3))
