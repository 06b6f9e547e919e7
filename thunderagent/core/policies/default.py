"""``default``: a pass-through with sticky, least-loaded placement. What an engine does alone, measured."""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.core.policies import Policy


@dataclass(eq=False)
class DefaultPolicy(Policy):
    """Every turn starts at once; the engine itself says what it does not take."""
