"""Exact match, as Search-R1 scores: case, articles and punctuation do not count."""

from __future__ import annotations

import re
import string

ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)


def exact_match(response: str, right: str) -> float:
    """1 if the last answer in a response is the right one, else 0."""
    answers = ANSWER.findall(response)
    return float(bool(answers) and normalised(answers[-1]) == normalised(right))


def normalised(text: str) -> str:
    """What is compared."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())
