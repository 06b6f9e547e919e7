"""Reduce a unit to one scale and one dimension."""

from functools import lru_cache
from typing import NamedTuple

from .parser import parse
from .registry import UnitError, resolve


class Compound(NamedTuple):
    """What is left of a unit: value_in_base = value * scale + offset."""

    scale: float
    offset: float
    dimension: tuple


@lru_cache(maxsize=256)
def reduce_unit(text):
    """Multiply the factors of a unit up."""
    factors = parse(text)
    if len(factors) == 1 and factors[0][1] == 1:
        prefix, unit = resolve(factors[0][0])
        return Compound(prefix * unit.scale, unit.offset, unit.dimension)
    scale = 1.0
    dimension = (0,) * 5
    for symbol, exponent in factors:
        prefix, unit = resolve(symbol)
        if unit.offset:
            raise UnitError(f"{symbol} cannot be part of a compound unit")
        scale *= prefix * unit.scale ** exponent
        dimension = tuple(
            total + part * exponent for total, part in zip(dimension, unit.dimension)
        )
    return Compound(scale, 0.0, dimension)
