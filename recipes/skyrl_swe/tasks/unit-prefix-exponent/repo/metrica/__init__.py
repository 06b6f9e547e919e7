"""metrica: convert between units of measure."""

from .convert import convert, format_quantity, is_compatible
from .registry import UnitError

__all__ = ["UnitError", "convert", "format_quantity", "is_compatible"]
