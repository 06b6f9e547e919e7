"""Split the text of a unit into symbols and exponents."""

import re

from .registry import UnitError

_FACTOR = re.compile(r"\s*(?P<symbol>[A-Za-z]+)(?:\^(?P<exponent>-?\d+))?\s*")


def parse(text):
    """Return a list of (symbol, exponent) pairs.

    >>> parse("kg*m/s^2")
    [('kg', 1), ('m', 1), ('s', -2)]
    """
    factors = []
    position, sign = 0, 1
    while True:
        match = _FACTOR.match(text, position)
        if match is None:
            raise UnitError(f"cannot read unit {text!r}")
        exponent = int(match["exponent"] or 1)
        factors.append((match["symbol"], sign * exponent))
        position = match.end()
        if position == len(text):
            return factors
        if text[position] not in "*/":
            raise UnitError(f"cannot read unit {text!r}")
        sign = -1 if text[position] == "/" else 1
        position += 1
