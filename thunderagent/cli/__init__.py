"""The command ``thunderagent``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run it; what it needs beyond the base install is named if it is missing."""
    try:
        from thunderagent.cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        print(f"error: the command line needs {error.name}; install it with: pip install 'thunderagent[cli]'", file=sys.stderr)
        sys.exit(2)
    run()
