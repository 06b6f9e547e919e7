"""Letters and symbols without a decomposition in Unicode."""

# Small letters, see the README for capital ones.
LETTERS = {
    "æ": "ae",  # Danish, Norwegian, Icelandic
    "œ": "oe",  # French
    "ø": "o",   # Danish, Norwegian
    "ß": "ss",  # German
    "þ": "th",  # Icelandic
    "ð": "d",   # Icelandic
    "đ": "d",   # Croatian
    "ł": "l",   # Polish
    "ħ": "h",   # Maltese
    "ŋ": "ng",  # Northern Sami
    "ŧ": "t",   # Northern Sami
    "ı": "i",   # Turkish
}

SYMBOLS = {
    "&": "and",
    "@": "at",
    "%": "percent",
    "+": "plus",
    "€": "euro",
    "£": "pound",
}

APOSTROPHES = "'\u2018\u2019\u02bc"

QUOTES = {
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u00ab": '"',
    "\u00bb": '"',
}
