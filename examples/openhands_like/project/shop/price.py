"""Prices of orders."""

from __future__ import annotations

from collections.abc import Sequence


def total(prices: Sequence[str], discount_percent: int = 0) -> str:
    """The sum of prices such as "9.99", less a discount, to the cent."""
    amount = sum(float(price) for price in prices) * (1 - discount_percent / 100)
    return f"{amount:.2f}"
