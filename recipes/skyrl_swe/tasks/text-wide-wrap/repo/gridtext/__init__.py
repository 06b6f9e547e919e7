"""Text on a grid: wrapping, alignment and tables by display width."""
from .align import pad
from .table import Column, render_table
from .width import char_width, display_width
from .wrap import wrap

__all__ = ["Column", "char_width", "display_width", "pad", "render_table", "wrap"]
