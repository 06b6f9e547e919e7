"""A small router for request paths."""
from .pattern import PatternError
from .router import Match, MethodNotAllowed, NotFound, Router

__all__ = ["Match", "MethodNotAllowed", "NotFound", "PatternError", "Router"]
