"""The questions as slime's prompt data: ``python -m recipes.slime_search.dataset DIRECTORY`` writes two files."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable
from pathlib import Path

from recipes.slime_search.corpus import Question, questions
from recipes.slime_search.protocol import INSTRUCTIONS

EVAL_EVERY = 8
"""One question of so many is kept for evaluation."""


def split(seed: int = 0) -> tuple[list[Question], list[Question]]:
    """For training and for evaluation, in a seeded order."""
    order = list(questions())
    random.Random(seed).shuffle(order)
    return [q for i, q in enumerate(order) if i % EVAL_EVERY], [q for i, q in enumerate(order) if not i % EVAL_EVERY]


def write_dataset(directory: Path, seed: int = 0) -> tuple[Path, Path]:
    """Write train.jsonl and eval.jsonl, for ``--input-key prompt --label-key label --apply-chat-template``."""
    directory.mkdir(parents=True, exist_ok=True)
    train, evaluation = split(seed)
    return _write(directory / "train.jsonl", train), _write(directory / "eval.jsonl", evaluation)


def _write(path: Path, rows: Iterable[Question]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for question in rows:
            prompt = [{"role": "user", "content": INSTRUCTIONS.format(question=question.text)}]
            file.write(json.dumps({"prompt": prompt, "label": question.answer}, ensure_ascii=False) + "\n")
    return path


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m recipes.slime_search.dataset DIRECTORY")
    for written in write_dataset(Path(sys.argv[1])):
        print(written)
