"""Slugs for addresses and file names."""

from .charmap import SYMBOLS
from .normalize import transliterate
from .tokens import drop_apostrophes, split_ascii


def slugify(text, *, lowercase=True, separator="-", max_length=None, stop_words=()):
    """Make a slug of ``text``; may be empty if there is nothing to write in ASCII."""
    for symbol, word in SYMBOLS.items():
        text = text.replace(symbol, f" {word} ")
    parts = split_ascii(transliterate(drop_apostrophes(text)))
    if lowercase:
        parts = [part.lower() for part in parts]
    parts = [part for part in parts if part.lower() not in stop_words] or parts
    return separator.join(_fit(parts, len(separator), max_length))


def _fit(parts, gap, max_length):
    """The first words that fit into ``max_length``; at least a part of the first one."""
    if max_length is None or not parts:
        return parts
    length = len(parts[0])
    if length > max_length:
        return [parts[0][:max_length]]
    count = 1
    for part in parts[1:]:
        length += gap + len(part)
        if length > max_length:
            break
        count += 1
    return parts[:count]


def unique_slug(text, taken, **options):
    """A slug that is not in ``taken``, with a number at its end if necessary."""
    base = slugify(text, **options)
    separator = options.get("separator", "-")
    slug, number = base, 1
    while slug in taken or not slug:
        number += 1
        slug = f"{base}{separator}{number}" if base else str(number)
    return slug
