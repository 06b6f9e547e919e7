"""Conversion of the text in environment variables."""
import json

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def coerce(text):
    """Return the value that a text stands for.

    Words for booleans are understood in any case. Everything else that is valid
    JSON (numbers, lists, objects, quoted text) is read as such, and the rest
    stays text.
    """
    word = text.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    try:
        return json.loads(text)
    except ValueError:
        return text


def split_extension(text):
    """Say whether a text begins with a plus sign for lists, and return the value.

    >>> split_extension('+["audit"]')
    (True, ['audit'])
    >>> split_extension("+49 30 1234")
    (False, '+49 30 1234')
    """
    if text.startswith("+"):
        value = coerce(text[1:])
        if isinstance(value, list):
            return True, value
    return False, coerce(text)
