"""Small full text search with ranking."""

from .analysis import Analyzer
from .engine import Engine, Hit, make_snippet
from .index import Index
from .ranking import BM25

__all__ = ["Analyzer", "BM25", "Engine", "Hit", "Index", "make_snippet"]
