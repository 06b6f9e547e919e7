"""Tool environments as resources of programs: prepared ahead, reused, bounded, released. Pure, as the scheduler is."""

from thunderagent.core.resources import events
from thunderagent.core.resources.budgets import Budgets
from thunderagent.core.resources.manager import Sandboxes
from thunderagent.core.resources.sandbox import Sandbox, Spec, Status, Want

__all__ = ["Budgets", "Sandbox", "Sandboxes", "Spec", "Status", "Want", "events"]
