"""The public functions."""

from .compound import reduce_unit
from .registry import UnitError


def is_compatible(source, target):
    """Tell whether two units measure the same kind of quantity."""
    return reduce_unit(source).dimension == reduce_unit(target).dimension


def convert(value, source, target):
    """Convert a number from one unit to another."""
    if not is_compatible(source, target):
        raise UnitError(f"cannot convert {source!r} to {target!r}")
    old, new = reduce_unit(source), reduce_unit(target)
    base = value * old.scale + old.offset
    return (base - new.offset) / new.scale


def format_quantity(value, source, target=None):
    """Convert if a target is given, and format with six significant digits."""
    if target is not None:
        value = convert(value, source, target)
    return f"{value:.6g} {target or source}"
