"""Split text into words."""

import re
from typing import NamedTuple

from .charmap import APOSTROPHES

_WORD = re.compile(rf"[^\W_]+(?:[{APOSTROPHES}][^\W_]+)*")


class Word(NamedTuple):
    """A word and its place in the text."""

    text: str
    begin: int
    end: int

    @property
    def is_number(self):
        return self.text.isdecimal()


def words(text):
    """Yield the words of ``text``. An apostrophe belongs to a word if letters are on both sides.

    >>> [word.text for word in words("rock 'n' roll, o'clock")]
    ['rock', 'n', 'roll', "o'clock"]
    """
    for match in _WORD.finditer(text):
        yield Word(match.group(), match.start(), match.end())


def split_ascii(text):
    """The runs of ASCII letters and digits in ``text``."""
    return re.findall(r"[A-Za-z0-9]+", text)


def drop_apostrophes(text):
    """Join the parts of words with apostrophes: "it's" becomes "its"."""
    return re.sub(rf"(?<=[^\W_])[{APOSTROPHES}](?=[^\W_])", "", text)
