"""All examples that this machine can run, one after another."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.report import Figure

ROOT = Path(__file__).parents[2]


def measure(quick: bool) -> dict[str, Figure]:
    """As CI runs them; ``quick`` changes nothing. Raises ``CalledProcessError`` when one fails."""
    del quick
    began_s = time.monotonic()
    subprocess.run([sys.executable, "-m", "examples"], cwd=ROOT, check=True)
    return {"examples_s": Figure(time.monotonic() - began_s, "s", at_most=600)}
