"""Sandboxes as programs and views see them."""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.core.resources import Want


@dataclass(frozen=True, slots=True)
class HeldSandbox:
    """One that a program has."""

    id: str
    """Of the sandbox, as its backend has it: the name of the container."""
    program_id: str
    reused: bool
    """Whether it was there already, prepared for another program or used by one."""
    waited_s: float
    """That the program waited for it."""


@dataclass(frozen=True, slots=True)
class SandboxView:
    """One that a program has or will have."""

    id: str
    image: str
    status: str
    """wanted, preparing, ready (its program has not asked for it yet), in use, idle, failed, releasing or gone."""
    attached: bool
    """Whether somebody else has made it."""
    reused: bool
    disk_bytes: int
    """Beyond its image."""

    @classmethod
    def of(cls, want: Want) -> SandboxView:
        """What a want has come to so far."""
        sandbox = want.sandbox
        return cls(sandbox.id, sandbox.spec.image, sandbox.status.value, sandbox.foreign, want.reused, sandbox.disk_bytes)
