"""The tables of docs/observability.md, made of the dataclasses and what is said there of each field.

python -m tests.docs.profile_columns      prints them
"""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

from thunderagent.runtime import StepProfile
from thunderagent.runtime.tools.profile import SandboxProfile

SCHEMA_ROW = "| `schema` | int | of this table: 1 |"


def table(kind: type[Any]) -> str:
    """Column, type and meaning, in the files' order."""
    (definition,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(definition, ast.ClassDef)
    rows = ["| column | type | |", "|---|---|---|"]
    for field, said in zip(definition.body, [*definition.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            type_ = ast.unparse(field.annotation).replace(" | ", " or ").replace("None", "null")
            rows.append(f"| `{field.target.id}` | {type_} | {_said(said)} |")
    return "\n".join([*rows, SCHEMA_ROW])


def _said(statement: ast.stmt | None) -> str:
    assert isinstance(statement, ast.Expr), "every field says what it is"
    assert isinstance(statement.value, ast.Constant)
    text = re.sub(r"\s+", " ", str(statement.value.value)).replace("``", "`").removesuffix(".")
    return text[0].lower() + text[1:] if text[1:2].islower() else text


if __name__ == "__main__":
    print(table(StepProfile), table(SandboxProfile), sep="\n\n")
