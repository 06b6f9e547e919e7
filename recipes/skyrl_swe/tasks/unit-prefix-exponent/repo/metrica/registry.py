"""The tables of prefixes and units."""

from typing import NamedTuple


class UnitError(ValueError):
    """A unit is unknown, malformed or does not fit."""


class Unit(NamedTuple):
    """A unit without prefix. The dimension holds exponents of m, kg, s, A, K."""

    symbol: str
    scale: float
    dimension: tuple
    metric: bool = False
    offset: float = 0.0


PREFIXES = {
    "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "d": 1e-1,
    "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9,
}

LENGTH, MASS, TIME = (1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0)
CURRENT, HEAT = (0, 0, 0, 1, 0), (0, 0, 0, 0, 1)
VOLUME, ENERGY, POWER = (3, 0, 0, 0, 0), (2, 1, -2, 0, 0), (2, 1, -3, 0, 0)

UNITS = {unit.symbol: unit for unit in [
    Unit("m", 1.0, LENGTH, metric=True),
    Unit("in", 0.0254, LENGTH),
    Unit("ft", 0.3048, LENGTH),
    Unit("mi", 1609.344, LENGTH),
    Unit("ha", 1e4, (2, 0, 0, 0, 0)),
    Unit("l", 1e-3, VOLUME, metric=True),
    Unit("g", 1e-3, MASS, metric=True),
    Unit("t", 1e3, MASS),
    Unit("lb", 0.45359237, MASS),
    Unit("s", 1.0, TIME, metric=True),
    Unit("min", 60.0, TIME),
    Unit("h", 3600.0, TIME),
    Unit("A", 1.0, CURRENT, metric=True),
    Unit("K", 1.0, HEAT, metric=True),
    Unit("degC", 1.0, HEAT, offset=273.15),
    Unit("degF", 5 / 9, HEAT, offset=459.67 * 5 / 9),
    Unit("N", 1.0, (1, 1, -2, 0, 0), metric=True),
    Unit("Pa", 1.0, (-1, 1, -2, 0, 0), metric=True),
    Unit("J", 1.0, ENERGY, metric=True),
    Unit("W", 1.0, POWER, metric=True),
    Unit("Wh", 3600.0, ENERGY, metric=True),
]}


def resolve(symbol):
    """Return the prefix factor and the unit of a symbol."""
    if symbol in UNITS:
        return 1.0, UNITS[symbol]
    prefix, rest = symbol[:1], symbol[1:]
    unit = UNITS.get(rest)
    if prefix in PREFIXES and unit is not None and unit.metric:
        return PREFIXES[prefix], unit
    raise UnitError(f"unknown unit {symbol!r}")
