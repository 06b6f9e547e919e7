"""Normal forms of text."""

import unicodedata

from .charmap import APOSTROPHES, LETTERS, QUOTES


def strip_accents(text):
    """Decompose ``text`` and drop all combining marks.

    >>> strip_accents("déjà")
    'deja'
    """
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def transliterate(text):
    """Write ``text`` with ASCII letters as far as possible, see the README."""
    return "".join(LETTERS.get(char, char) for char in strip_accents(text))


def squeeze(text):
    """Strip ``text``, and replace each run of blanks by one space.

    >>> squeeze("  a \\n b ")
    'a b'
    """
    return " ".join(text.split())


def plain_quotes(text):
    """Replace typographic quotes and apostrophes by those of ASCII."""
    table = {ord(char): "'" for char in APOSTROPHES}
    table.update({ord(char): plain for char, plain in QUOTES.items()})
    return text.translate(table)


def search_key(text):
    """A key for comparing texts without case, accents and superfluous blanks."""
    return squeeze(transliterate(plain_quotes(text))).casefold()
