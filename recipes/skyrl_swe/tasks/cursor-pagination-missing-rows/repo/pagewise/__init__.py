"""pagewise: cursor pagination over a small query layer."""

from .cursor import CursorError
from .paginator import Page, Paginator
from .query import Query
from .table import Table

__all__ = ["CursorError", "Page", "Paginator", "Query", "Table"]
