"""The asyncio host of the core: ``async with runtime.turn(...) as turn``. Gateway, SkyRL and slime use nothing else."""

from thunderagent.runtime.profile import StepProfile
from thunderagent.runtime.runtime import Runtime
from thunderagent.runtime.totals import Totals
from thunderagent.runtime.turn import EngineTiming, Patience, Turn
from thunderagent.runtime.window import StepWindow, Tally

__all__ = ["EngineTiming", "Patience", "Runtime", "StepProfile", "StepWindow", "Tally", "Totals", "Turn"]
