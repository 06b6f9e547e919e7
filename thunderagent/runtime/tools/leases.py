"""What a program has of tools, as plain data for a store, and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from thunderagent.core.resources import Spec, Status, Want
from thunderagent.runtime.tools.backend import SandboxRequest

FIELDS: dict[str, type] = {"id": str, "request": str, "in_use": bool, "foreign": bool}
"""Of a sandbox that is kept."""


@dataclass(frozen=True, slots=True)
class LeasedSandbox:
    """One that a program has, or that is ready for it."""

    id: str
    spec: Spec
    in_use: bool
    foreign: bool


def to_plain(wants: Iterable[Want], ports: list[int]) -> dict[str, Any]:
    """To be kept; empty: there is nothing. What is still being prepared is asked for anew."""
    sandboxes = [
        {"id": one.id, "request": one.spec.fingerprint, "in_use": one.status is Status.IN_USE, "foreign": one.foreign}
        for one in (want.sandbox for want in wants)
        if one.status in (Status.READY, Status.IN_USE)
    ]
    return {"sandboxes": sandboxes, "ports": ports} if sandboxes or ports else {}


def from_plain(kept: Any) -> tuple[list[LeasedSandbox], list[int]]:
    """What was kept: sandboxes and ports.

    Raises:
        ValueError: this was never kept by us.
    """
    try:
        ports = list(kept.get("ports", ()))
        if not all(type(port) is int for port in ports):
            raise ValueError("a port is no number")
        return [_sandbox(one) for one in kept["sandboxes"]], ports
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(repr(error)) from error


def _sandbox(kept: dict[str, Any]) -> LeasedSandbox:
    if any(type(kept[name]) is not kind for name, kind in FIELDS.items()):
        raise ValueError("a sandbox is none")
    spec = Spec("") if kept["foreign"] else SandboxRequest.of(Spec(kept["request"])).spec()
    return LeasedSandbox(kept["id"], spec, kept["in_use"], kept["foreign"])
