"""The command ``thunderagent``."""

from __future__ import annotations

import sys

from thunderagent.cli.commands import missing, with_command


def main() -> None:
    """Run it; what is missing is named before anything is started."""
    arguments = with_command(sys.argv[1:])
    problem = missing(arguments)
    if problem is not None:
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(2)
    from thunderagent.cli.app import run

    run(arguments)
