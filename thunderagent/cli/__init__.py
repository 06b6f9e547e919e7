"""The command ``thunderagent``."""

from __future__ import annotations

import sys
from importlib.util import find_spec

NEEDED = ("typer", "rich", "matplotlib", "jinja2")
"""Beyond the base install."""


def main() -> None:
    """Run it; what is missing is named before anything is simulated."""
    for name in NEEDED:
        if find_spec(name) is None:
            print(f"error: the command line needs {name}; install it with: pip install 'thunderagent[cli]'", file=sys.stderr)
            sys.exit(2)
    from thunderagent.cli.app import run

    run()
