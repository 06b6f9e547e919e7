"""Why the gateway itself answers with an error: every reason that its code gives, by status."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from scripts.marked import ROOT
from thunderagent.adapters.gateway import control, sandbox_problems, setbacks

GATEWAY = ROOT / "thunderagent" / "adapters" / "gateway"
CALLS = ("RequestProblem", "_refuse")
"""What takes a status and a reason, in this order."""
ELSEWHERE = ((422, sandbox_problems.REFUSED), (503, sandbox_problems.REFUSED), (502, control.FAILED))
"""Where the status is chosen as it happens."""


def reasons() -> dict[int, list[str]]:
    """By status, both in order."""
    found = defaultdict[int, set[str]](set)
    for status, reason in (*_in_the_code(), *_of_the_scheduler(), *ELSEWHERE):
        found[status].add(reason)
    return {status: sorted(found[status]) for status in sorted(found)}


def _in_the_code() -> Iterator[tuple[int, str]]:
    for file in sorted(GATEWAY.rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in CALLS and len(call.args) >= 2:
                module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
                status, reason = (_constant(argument, module) for argument in call.args[:2])
                if isinstance(status, int) and isinstance(reason, str):
                    yield status, reason


def _constant(node: ast.expr, module: str) -> Any:
    """None: it is only known when it happens."""
    if isinstance(node, ast.Constant):
        return node.value
    return vars(import_module(module)).get(node.id) if isinstance(node, ast.Name) else None


def _of_the_scheduler() -> Iterator[tuple[int, str]]:
    """Those that it refuses, and those whose patience is over."""
    for cause, status in setbacks.STATUS_OF_CAUSE.items():
        yield status, setbacks.TOO_LARGE_CODE if cause == setbacks.TOO_LARGE else cause
