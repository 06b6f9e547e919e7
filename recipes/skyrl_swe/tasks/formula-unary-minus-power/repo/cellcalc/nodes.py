"""The tree that the parser builds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Variable:
    name: str


@dataclass(frozen=True)
class Unary:
    operator: str
    operand: object


@dataclass(frozen=True)
class Binary:
    operator: str
    left: object
    right: object


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple


def describe(node):
    """Write ``node`` with all parentheses, to show how a formula was read."""
    if isinstance(node, Number):
        return format(node.value, "g")
    if isinstance(node, Variable):
        return node.name
    if isinstance(node, Unary):
        return f"({node.operator}{describe(node.operand)})"
    if isinstance(node, Binary):
        return f"({describe(node.left)} {node.operator} {describe(node.right)})"
    arguments = ", ".join(describe(argument) for argument in node.arguments)
    return f"{node.function}({arguments})"


def variables(node):
    """The names of the variables in ``node``, sorted."""
    if isinstance(node, Variable):
        return [node.name]
    if isinstance(node, Unary):
        children = (node.operand,)
    elif isinstance(node, Binary):
        children = (node.left, node.right)
    elif isinstance(node, Call):
        children = node.arguments
    else:
        children = ()
    return sorted({name for child in children for name in variables(child)})
