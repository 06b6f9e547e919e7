"""``python -m thunderagent``: the same as the command ``thunderagent``."""

from thunderagent.cli import main

main()
