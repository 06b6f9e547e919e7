"""From text to terms."""

import re
from collections.abc import Iterator

STOP_WORDS = frozenset("a about an and for in is of on or the to with without".split())

_WORD = re.compile(r"[^\W_]+")


class Analyzer:
    """Lower case, stop words and plural endings."""

    def __init__(self, stop_words=STOP_WORDS):
        self.stop_words = stop_words

    def words(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield (begin, end, term) for each word of ``text`` that is a term."""
        for match in _WORD.finditer(text):
            word = match.group().lower()
            if word not in self.stop_words:
                yield match.start(), match.end(), self.stem(word)

    def terms(self, text: str) -> Iterator[str]:
        """Yield the terms of ``text`` in order, with repetitions."""
        for _, _, term in self.words(text):
            yield term

    @staticmethod
    def stem(word: str) -> str:
        """Strip the plural ending of an English word.

        >>> Analyzer.stem("stories"), Analyzer.stem("cakes"), Analyzer.stem("glass")
        ('story', 'cake', 'glass')
        """
        if len(word) > 4 and word.endswith("ies"):
            return word[:-3] + "y"
        if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us")):
            return word[:-1]
        return word
