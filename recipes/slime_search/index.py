"""The search tool: a full-text index over the passages, ranked by BM25 (SQLite's FTS5)."""

from __future__ import annotations

import functools
import re
import sqlite3
import threading
from collections.abc import Iterable

from recipes.slime_search.corpus import Passage, passages

WORD = re.compile(r"\w+")


class SearchIndex:
    """In memory; may be asked from any thread."""

    def __init__(self, found: Iterable[Passage]) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        # Titles count more than texts; words are compared by their stems and without accents.
        self._database.execute(
            "CREATE VIRTUAL TABLE passages USING fts5(title, text, tokenize='porter unicode61 remove_diacritics 2')"
        )
        rows = [(passage.title, passage.text) for passage in found]
        self._database.executemany("INSERT INTO passages VALUES (?, ?)", rows)

    def search(self, query: str, top: int) -> list[Passage]:
        """The passages that fit best, best first: those with any of the query's words."""
        words = " OR ".join(f'"{word}"' for word in WORD.findall(query))
        if not words:
            return []
        with self._lock:
            rows = self._database.execute(
                "SELECT title, text FROM passages WHERE passages MATCH ? ORDER BY bm25(passages, 3.0, 1.0), rowid LIMIT ?",
                (words, top),
            ).fetchall()
        return [Passage(*row) for row in rows]


@functools.cache
def shipped() -> SearchIndex:
    """Over the shipped corpus, made once per process."""
    return SearchIndex(passages())
