"""How much sandboxes may take, and how much they do."""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.core.resources.sandbox import Sandbox, Spec


@dataclass(frozen=True, slots=True)
class Budgets:
    """None: no bound."""

    count: int | None = None
    """Sandboxes that exist, idle ones and those that are being removed among them; what others made is not counted."""
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    """Of sandboxes and of the images that they are made from."""
    preparing: int | None = 8
    """Preparations at once: more of them are no faster on one disk."""
    idle: int | None = None
    """Sandboxes that are kept for others."""
    idle_ttl_s: float | None = 600.0
    """For so long: about an RL step, after which the next one wants the same again."""


@dataclass(slots=True)
class Held:
    """Running sums over sandboxes that exist."""

    count: int = 0
    memory_bytes: int = 0
    disk_bytes: int = 0

    def add(self, sandbox: Sandbox, sign: int = 1) -> None:
        """It exists from now on (or, with -1, no longer)."""
        self.count += sign
        self.memory_bytes += sign * sandbox.spec.memory_bytes
        self.disk_bytes += sign * sandbox.disk_bytes


def excess(spec: Spec, budgets: Budgets, held: Held, leaving: Held) -> str:
    """What one more of this kind would be too much of, once all that leaves has left; empty: nothing."""
    for name, limit, wanted, used in (
        ("sandboxes", budgets.count, 1, held.count - leaving.count),
        ("memory", budgets.memory_bytes, spec.memory_bytes, held.memory_bytes - leaving.memory_bytes),
        ("disk", budgets.disk_bytes, spec.disk_bytes, held.disk_bytes - leaving.disk_bytes),
    ):
        if limit is not None and used + wanted > limit:
            return name
    return ""


NOTHING = Held()
"""Of a machine without sandboxes."""
