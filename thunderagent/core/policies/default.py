"""``default``: a pass-through with the routing of common routers. What an engine does alone, measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from thunderagent.core.ledger import Backend, Ledger
from thunderagent.core.policies import Policy
from thunderagent.core.program import Program

Routing = Literal["sticky", "least-loaded", "prefix-affinity"]
IMBALANCE, IMBALANCE_RATIO = 64, 1.5
"""More turns than on the least loaded backend, and so many times as many: then balance goes first (as in SGLang's router)."""


@dataclass(eq=False)
class DefaultPolicy(Policy):
    """Every turn starts at once; the engine itself says what it does not take."""

    routing: Routing = "sticky"
    """``sticky``: a program stays where it began, which was where the fewest programs were. ``least-loaded``: each turn goes
    where the fewest run. ``prefix-affinity``: each turn goes where its prefix is likely cached, unless too many run there."""

    def __post_init__(self) -> None:
        self.sticky = self.routing == "sticky"

    def origin(self, program: Program, ledger: Ledger) -> Backend | None:
        """Where its own context is."""
        if self.routing == "least-loaded":
            return None
        return self._unless_crowded(super().origin(program, ledger), ledger)

    def home(self, program: Program, ledger: Ledger) -> Backend | None:
        """Where its shared prompt is."""
        return self._unless_crowded(ledger.home(program), ledger) if self.routing == "prefix-affinity" else None

    def _unless_crowded(self, backend: Backend | None, ledger: Ledger) -> Backend | None:
        least_loaded = ledger.least_loaded()
        if backend is None or least_loaded is None or self.sticky:
            return backend
        more = backend.resident - least_loaded.resident
        return None if more > IMBALANCE and backend.resident > IMBALANCE_RATIO * least_loaded.resident else backend
