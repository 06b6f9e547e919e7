"""sift: ignore files in the syntax of .gitignore."""

from .ignorefile import IgnoreFile, IgnoreSet
from .rules import Rule
from .walk import kept_files

__all__ = ["IgnoreFile", "IgnoreSet", "Rule", "kept_files"]
