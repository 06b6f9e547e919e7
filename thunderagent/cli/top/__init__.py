"""``thunderagent top``: a running gateway, watched in a terminal."""

from thunderagent.cli.top.command import top

__all__ = ["top"]
