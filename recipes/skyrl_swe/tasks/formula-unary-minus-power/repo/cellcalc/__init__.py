"""Formulas for spreadsheet-like tools."""

from .evaluator import compile_formula, evaluate
from .lexer import FormulaError
from .nodes import describe
from .parser import parse

__all__ = ["FormulaError", "compile_formula", "describe", "evaluate", "parse"]
