"""Words, slugs and search keys."""

from .normalize import search_key, squeeze, transliterate
from .slug import slugify, unique_slug
from .tokens import Word, words

__all__ = ["Word", "search_key", "slugify", "squeeze", "transliterate", "unique_slug", "words"]
