"""The passages that are searched and the questions about them, written out of two small tables of facts."""

from __future__ import annotations

import csv
import functools
from collections import defaultdict
from dataclasses import dataclass
from itertools import cycle, pairwise
from pathlib import Path

FACTS = Path(__file__).parent / "facts"
"""Compiled for this recipe; facts are nobody's."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What a search finds."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what leads to the answer."""

    text: str
    answer: str
    searches: tuple[str, ...]
    """Queries that find, one after the other, what the next one needs, and in the end the answer."""


@functools.cache
def passages() -> tuple[Passage, ...]:
    """All of them, in a fixed order."""
    return (*_of_countries(), *_of_elements())


@functools.cache
def questions() -> tuple[Question, ...]:
    """All of them, in a fixed order: each asks two things, and needs five searches."""
    return tuple(map(_both, cycle(_about_countries()), _about_elements()))


def _both(first: Question, second: Question) -> Question:
    return Question(
        f"First: {first.text} Second: {second.text} Answer with both, separated by a semicolon.",
        f"{first.answer}; {second.answer}",
        first.searches + second.searches,
    )


def _of_countries() -> list[Passage]:
    rows = _table("countries")
    beside: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        beside[row["continent"]].append(row)
    found = []
    for row in rows:
        country, capital, continent, currency = row["country"], row["capital"], row["continent"], row["currency"]
        same = beside[continent]
        at = same.index(row)
        near = [same[(at + step) % len(same)] for step in (1, 2, 3)]
        others = "; ".join(f"{other['country']}, where people speak {other['language']}" for other in near)
        capitals = ", ".join(other["capital"] for other in near)
        found += [
            Passage(
                country,
                f"{country} is a country in {continent}. The capital of {country} is {capital}, the seat of its institutions. "
                f"A language that is widely spoken in {country} is {row['language']}. An atlas of {continent} in the order of "
                f"names continues after {country} with these: {others}.",
            ),
            Passage(
                capital,
                f"{capital} is the capital of a country in {continent}. The city of {capital} lies on {row['water']}. Like every "
                f"capital it is more than its government: it has markets, schools, museums and a history of its own, and maps "
                f"of it begin at the water. Other capitals in {continent} are, for example, {capitals}.",
            ),
            Passage(
                f"{currency} (currency)",
                f"The {currency} is a currency. It is the money of {country}: wages, taxes and prices there are paid in it, and "
                f"its notes and coins are issued by the central bank of {country}. Exchange offices in {continent} list it "
                f"beside the currencies of {near[0]['country']}, {near[1]['country']} and {near[2]['country']}.",
            ),
        ]
    return found


def _of_elements() -> list[Passage]:
    rows = _table("elements")
    found = []
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        name = row["element"]
        follows = f"It is followed by {after['element']} in the periodic table. " if after else ""
        found.append(
            Passage(
                f"{name} (element)",
                f"The chemical element {name} has the symbol {row['symbol']} and the atomic number {row['number']}: so many "
                f"protons has each of its atoms. The element {name} is named after {row['origin']}. {follows}Its place "
                f"in the table tells how many electrons a neutral atom of it has, and what compounds it forms.",
            )
        )
    return found


def _about_countries() -> list[Question]:
    return [
        Question(
            f"The {row['currency']} is the money of a country. On which water does the capital of that country lie?",
            row["water"],
            (f"{row['currency']} currency", f"capital of {row['country']}", f"{row['capital']} lies on"),
        )
        for row in _table("countries")
    ]


def _about_elements() -> list[Question]:
    rows = _table("elements")
    return [
        Question(
            f"Which symbol has the element that follows, in the periodic table, the one that is named after {row['origin']}?",
            after["symbol"],
            (f"element named after {row['origin']}", f"element {after['element']} symbol"),
        )
        for row, after in pairwise(rows)
    ]


@functools.cache
def _table(name: str) -> list[dict[str, str]]:
    with (FACTS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))
