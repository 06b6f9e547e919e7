"""Sandboxes of local processes: a folder each, and bubblewrap around every command. No daemon, no images to fetch."""

from thunderagent.adapters.tools.bubblewrap.availability import why_not
from thunderagent.adapters.tools.bubblewrap.backend import BubblewrapBackend

__all__ = ["BubblewrapBackend", "why_not"]
