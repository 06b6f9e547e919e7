"""What the agent, its tool and the dataset agree on: Search-R1's tags."""

from __future__ import annotations

import re
from collections.abc import Sequence

from recipes.slime_search.corpus import Passage

STOPS = ("</search>", "</answer>")
"""An answer of the model ends with the first of them."""
ACTION = re.compile(r"<(search|answer)>((?:(?!<\1>).)*?)</\1>", re.DOTALL)
END_OF_INFORMATION = "</information>"
INSTRUCTIONS = (
    "Answer the given question. Think inside <think> and </think> first whenever you get new information. If you lack some "
    "knowledge, call a search engine by <search> query </search>: it returns the passages that fit best between <information> "
    "and </information>. Search as often as you want. When you know the answer, give it inside <answer> and </answer>, without "
    "explanations, as short as in: <answer> Beijing; Fe </answer>. Question: {question}"
)
NO_ACTION = (
    "\nMy previous action is invalid. To search I put the query between <search> and </search>, to answer I put the answer "
    "between <answer> and </answer>. Let me try again.\n"
)


def action_of(message: str) -> tuple[str, str] | None:
    """``search`` or ``answer``, and what is inside; None: neither."""
    found = ACTION.search(message)
    return (found[1], found[2].strip()) if found else None


def information(found: Sequence[Passage]) -> str:
    """What a search gives back, as the model reads it."""
    documents = "\n".join(f"Doc {rank}(Title: {passage.title}) {passage.text}" for rank, passage in enumerate(found, 1))
    return f"\n\n<information>{documents}{END_OF_INFORMATION}\n\n"
