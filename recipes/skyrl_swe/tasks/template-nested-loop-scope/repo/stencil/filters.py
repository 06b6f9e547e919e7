"""The table of built-in filters.

A filter is a function of the value and of literal arguments. To add one, put it
into FILTERS; the expression module looks it up by name.
"""

import html


def _default(value, other):
    return other if value in (None, "") else value


def _join(value, separator=""):
    return separator.join(str(item) for item in value)


def _round(value, digits=0):
    return f"{value:.{digits}f}"


FILTERS = {
    "upper": lambda value: str(value).upper(),
    "lower": lambda value: str(value).lower(),
    "title": lambda value: str(value).title(),
    "escape": lambda value: html.escape(str(value)),
    "length": len,
    "default": _default,
    "join": _join,
    "round": _round,
}
