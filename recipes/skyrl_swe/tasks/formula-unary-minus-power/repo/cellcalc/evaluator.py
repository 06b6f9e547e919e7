"""Evaluate trees."""

import math
import operator

from .lexer import FormulaError
from .nodes import Binary, Call, Number, Unary, Variable
from .parser import parse

BINARY = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "%": operator.mod, "^": operator.pow,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}
FUNCTIONS = {
    "abs": abs, "sqrt": math.sqrt, "min": min, "max": max,
    "round": lambda value, digits=0.0: round(value, int(digits)),
}


def _value(node, variables):
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Variable):
        if node.name not in variables:
            raise FormulaError(f"unknown variable {node.name}")
        return float(variables[node.name])
    if isinstance(node, Unary):
        value = _value(node.operand, variables)
        return -value if node.operator == "-" else value
    if isinstance(node, Binary):
        left = _value(node.left, variables)
        right = _value(node.right, variables)
        return BINARY[node.operator](left, right)
    return _call(node, variables)


def _call(node, variables):
    if node.function == "if":
        if len(node.arguments) != 3:
            raise FormulaError("if takes three arguments")
        condition, then, otherwise = node.arguments
        return _value(then if _value(condition, variables) else otherwise, variables)
    if node.function not in FUNCTIONS:
        raise FormulaError(f"unknown function {node.function}")
    return FUNCTIONS[node.function](*(_value(a, variables) for a in node.arguments))


def compile_formula(text):
    """Parse ``text`` once; the result maps a dict of variables to a float."""
    tree = parse(text)

    def run(variables=None):
        try:
            result = float(_value(tree, variables or {}))
        except FormulaError:
            raise
        except (ArithmeticError, TypeError, ValueError) as error:
            raise FormulaError(f"cannot evaluate: {error}") from error
        return result

    return run


def evaluate(text, variables=None):
    """Parse and evaluate ``text`` in one go."""
    return compile_formula(text)(variables)
