"""A look at engines before they are scheduled: what is there, what is missing, and which flag brings it."""

from thunderagent.adapters.engines.checkup.finding import Checkup, Finding, Flag, Verdict
from thunderagent.adapters.engines.checkup.look import check_up

__all__ = ["Checkup", "Finding", "Flag", "Verdict", "check_up"]
