"""The inverted index."""

from collections import Counter
from collections.abc import Iterable


class Index:
    def __init__(self):
        self.postings: dict[str, dict[str, int]] = {}
        self.lengths: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def average_length(self) -> float:
        return sum(self.lengths.values()) / len(self.lengths) if self.lengths else 0.0

    def add(self, doc_id: str, terms: Iterable[str]) -> None:
        """Index a document; one with the same id is replaced."""
        self.remove(doc_id)
        counts = Counter(terms)
        self.lengths[doc_id] = counts.total()
        for term, frequency in counts.items():
            self.postings.setdefault(term, {})[doc_id] = frequency

    def remove(self, doc_id: str) -> bool:
        if self.lengths.pop(doc_id, None) is None:
            return False
        for term in [term for term, docs in self.postings.items() if doc_id in docs]:
            del self.postings[term][doc_id]
            if not self.postings[term]:
                del self.postings[term]
        return True

    def frequency(self, term: str, doc_id: str) -> int:
        return self.postings.get(term, {}).get(doc_id, 0)

    def document_count(self, term: str) -> int:
        """In how many documents ``term`` occurs."""
        return len(self.postings.get(term, ()))

    def candidates(self, terms: Iterable[str], mode: str = "any") -> set[str]:
        """The documents with any or with all of ``terms``."""
        sets = [self.postings.get(term, {}).keys() for term in terms]
        if not sets:
            return set()
        if mode == "any":
            return set().union(*sets)
        if mode == "all":
            return set(sets[0]).intersection(*sets[1:])
        raise ValueError(f"unknown mode {mode!r}")
