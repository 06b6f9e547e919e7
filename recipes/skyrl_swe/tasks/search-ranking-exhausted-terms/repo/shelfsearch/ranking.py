"""Scores of documents for a query."""

import math
from collections.abc import Iterable

from .index import Index


class BM25:
    """Okapi BM25 over an index; see the README for the formula of the idf."""

    def __init__(self, index: Index, k1: float = 1.2, b: float = 0.75):
        self.index = index
        self.k1 = k1
        self.b = b

    def idf(self, term: str) -> float:
        total = len(self.index)
        having = self.index.document_count(term)
        return math.log(1 + (total - having + 0.5) / (having + 0.5))

    def score(self, terms: Iterable[str], doc_id: str) -> float:
        """The score of a document; each occurrence of a term in ``terms`` counts."""
        length = self.index.lengths[doc_id] / self.index.average_length
        norm = self.k1 * (1 - self.b + self.b * length)
        result = 0.0
        for term in terms:
            frequency = self.index.frequency(term, doc_id)
            if frequency:
                result += self.idf(term) * frequency * (self.k1 + 1) / (frequency + norm)
        return result
