"""The asyncio host of sandboxes: carries out what ``core.resources`` decides, by a backend of ``adapters.tools``."""

from thunderagent.runtime.tools.backend import (
    Command,
    Found,
    Labels,
    Made,
    Output,
    SandboxBackend,
    SandboxRequest,
)
from thunderagent.runtime.tools.blocking import BlockingTools
from thunderagent.runtime.tools.held import HeldSandbox, SandboxView
from thunderagent.runtime.tools.host import ToolHost, ToolSettings
from thunderagent.runtime.tools.profile import SandboxProfile, ToolTotals
from thunderagent.runtime.tools.reclaim import reclaim
from thunderagent.runtime.tools.thread import ToolThread

__all__ = [
    "BlockingTools",
    "Command",
    "Found",
    "HeldSandbox",
    "Labels",
    "Made",
    "Output",
    "SandboxBackend",
    "SandboxProfile",
    "SandboxRequest",
    "SandboxView",
    "ToolHost",
    "ToolSettings",
    "ToolThread",
    "ToolTotals",
    "reclaim",
]
