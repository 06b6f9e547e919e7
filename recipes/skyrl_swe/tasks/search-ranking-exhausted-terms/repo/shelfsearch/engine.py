"""The search engine: analysis, index and ranking in one object, and excerpts of the hits."""

from collections.abc import Iterable
from dataclasses import dataclass

from .analysis import Analyzer
from .index import Index
from .ranking import BM25


@dataclass(frozen=True)
class Hit:
    doc_id: str
    score: float
    snippet: str


def make_snippet(text: str, terms: Iterable[str], analyzer: Analyzer, width: int = 80) -> str:
    """Up to ``width`` characters of ``text`` around the first match, with [marks].

    The width is counted without the marks. Cut ends are shown as "...".
    """
    wanted = set(terms)
    matches = [(b, e) for b, e, term in analyzer.words(text) if term in wanted]
    begin, end = _window(text, matches[0][0] if matches else 0, width)
    parts = ["..."] if begin else []
    position = begin
    for match_begin, match_end in matches:
        if match_begin < begin or match_end > end:
            continue
        parts.append(text[position:match_begin])
        parts.append(f"[{text[match_begin:match_end]}]")
        position = match_end
    parts.append(text[position:end])
    if end < len(text):
        parts.append("...")
    return "".join(parts)


def _window(text: str, focus: int, width: int) -> tuple[int, int]:
    """Begin and end of an excerpt with ``focus`` in its first quarter."""
    if len(text) <= width:
        return 0, len(text)
    begin = min(max(0, focus - width // 4), len(text) - width)
    return begin, begin + width


class Engine:
    def __init__(self, analyzer: Analyzer | None = None):
        self.analyzer = analyzer or Analyzer()
        self.index = Index()
        self.ranking = BM25(self.index)
        self._texts: dict[str, str] = {}

    def add(self, doc_id: str, text: str) -> None:
        """Add a document or replace the one with this id."""
        self._texts[doc_id] = text
        self.index.add(doc_id, self.analyzer.terms(text))

    def remove(self, doc_id: str) -> bool:
        self._texts.pop(doc_id, None)
        return self.index.remove(doc_id)

    def search(self, query: str, *, mode: str = "any", limit: int = 10, width: int = 80) -> list[Hit]:
        """The best ``limit`` documents for ``query``, best first."""
        terms = self.analyzer.terms(query)
        found = self.index.candidates(terms, mode)
        scores = {doc_id: self.ranking.score(terms, doc_id) for doc_id in sorted(found)}
        best = sorted(scores, key=lambda doc_id: (-scores[doc_id], doc_id))[:limit]
        return [
            Hit(doc_id, scores[doc_id], make_snippet(self._texts[doc_id], terms, self.analyzer, width))
            for doc_id in best
        ]
