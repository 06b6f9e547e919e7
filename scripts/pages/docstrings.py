"""What the code says of the fields of a class: the string below each."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from typing import Any

from scripts.pages.markdown import plain


@cache
def of_fields(kind: type[Any]) -> dict[str, str]:
    """Those of its bases too, by name; a field that says nothing is not there."""
    said: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.partition(".")[0] in ("thunderagent", "recipes"):
            said |= _of(base)
    return said


def _of(kind: type[Any]) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    said = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            said[field.target.id] = plain(str(ast.literal_eval(below.value)))
    return said
