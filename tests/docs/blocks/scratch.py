"""Where a page's blocks run: a folder in which the checkout's paths work, and that gets what they write."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.docs.blocks.pages import ROOT

NOT_THERE = {".git", ".venv", "outputs", "multirun", "scripts"}
"""What blocks write, and what is made below."""
READY = "#!/usr/bin/env bash\n# The environment is there.\n"


def make(folder: Path) -> None:
    """Links to the checkout; ``scripts/run`` finds an environment that is set up."""
    for path in ROOT.iterdir():
        if path.name not in NOT_THERE:
            (folder / path.name).symlink_to(path)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "scripts").mkdir()
    for path in (ROOT / "scripts").iterdir():
        if path.name != "setup":
            (folder / "scripts" / path.name).symlink_to(path)
    (folder / "scripts" / "setup").write_text(READY, encoding="utf-8")
    (folder / "scripts" / "setup").chmod(0o755)


def environment(home: Path) -> dict[str, str]:
    """This environment's commands first, the checkout's code, no keys and caches of whoever runs the tests."""
    ours = {
        name: value for name, value in os.environ.items() if not name.startswith(("THUNDERAGENT_", "XDG_", "OPENAI_", "COV_"))
    }
    return ours | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "PIP_TARGET": str(home / "installed"),  # the environment is also other people's: nothing that is run may install into it
        "WANDB_MODE": "offline",
    }
