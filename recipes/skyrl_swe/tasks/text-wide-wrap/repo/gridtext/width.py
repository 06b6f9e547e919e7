"""The width of characters on a grid.

Wide and fullwidth characters of East Asian scripts take two columns. Marks that are
drawn over the character before them, and invisible joiners, take none.
"""
import unicodedata
from functools import lru_cache

ZERO_WIDTH = {"\u200b", "\u200c", "\u200d", "\u2060", "\ufeff"}


@lru_cache(maxsize=4096)
def char_width(char: str) -> int:
    """Return the number of columns of one character: 0, 1 or 2.

    >>> [char_width(c) for c in "a東\\u0301"]
    [1, 2, 0]
    """
    if char in ZERO_WIDTH:
        return 0
    category = unicodedata.category(char)
    if category in ("Mn", "Me", "Cc"):
        return 0
    if unicodedata.east_asian_width(char) in ("W", "F"):
        return 2
    return 1


def display_width(text: str) -> int:
    """Return the number of columns that a text without newlines needs."""
    return sum(map(char_width, text))
