"""Amounts of money."""
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation


def unit(places=2):
    """Return the smallest amount of a currency, for example 0.01."""
    return Decimal(1).scaleb(-places)


def to_amount(value):
    """Return a value as a Decimal. Floats are not accepted."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, float):
        raise TypeError("amounts of money are not floats, use text or Decimal")
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ValueError(f"not an amount: {value!r}") from None


def round_amount(value, places=2, rounding=ROUND_HALF_UP):
    """Round an amount to the places of a currency, half up unless told otherwise."""
    return to_amount(value).quantize(unit(places), rounding=rounding)


def format_amount(value, places=2):
    """Return an amount with separators, and negative ones in brackets.

    >>> format_amount(Decimal("-1234.5"))
    '(1,234.50)'
    """
    rounded = round_amount(value, places)
    text = f"{abs(rounded):,}"
    return f"({text})" if rounded < 0 else text
