"""Evaluate the small expression language of stencil."""

import ast
import re

from .filters import FILTERS
from .lexer import TemplateError

_CUT = re.compile(r"\"[^\"]*\"|'[^']*'|(?P<cut>[|+,])")
_NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*\Z")
_FILTER = re.compile(r"(?P<name>\w+)\s*(?:\((?P<args>.*)\))?\Z")


def split(text, separator):
    """Split at a separator character, but not inside of quotes."""
    parts, start = [], 0
    for match in _CUT.finditer(text):
        if match.group("cut") == separator:
            parts.append(text[start:match.start()].strip())
            start = match.end()
    parts.append(text[start:].strip())
    return parts


def evaluate(text, context):
    """Evaluate ``operand + operand | filter | filter(argument)``."""
    head, *filters = split(text, "|")
    operands = [_operand(part, context) for part in split(head, "+")]
    value = operands[0]
    for other in operands[1:]:
        value = value + other
    for spec in filters:
        value = _apply(spec, value, context)
    return value


def _operand(text, context):
    if _NAME.match(text):
        return context.lookup(text)
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise TemplateError(f"cannot read expression {text!r}") from None


def _apply(spec, value, context):
    match = _FILTER.match(spec)
    if not match or match.group("name") not in FILTERS:
        raise TemplateError(f"unknown filter {spec!r}")
    args = match.group("args")
    values = [_operand(part, context) for part in split(args, ",")] if args else []
    return FILTERS[match.group("name")](value, *values)
