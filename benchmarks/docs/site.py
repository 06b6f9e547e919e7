"""The documentation site: how long it takes to build, and how far its pages are from the first."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.docs.clicks import clicks, pages
from benchmarks.report import Figure

ROOT = Path(__file__).parents[2]


def measure(quick: bool) -> dict[str, Figure]:
    """Built once, strictly, as CI builds it; ``quick`` changes nothing."""
    del quick
    with tempfile.TemporaryDirectory() as folder:
        began_s = time.monotonic()
        build(Path(folder))
        took_s = time.monotonic() - began_s
        found, there = clicks(Path(folder)), pages(Path(folder))
        return {
            "site_build_s": Figure(took_s, "s", at_most=60),
            "site_pages": Figure(len(there), "pages"),
            "site_pages_unreachable": Figure(len(there - set(found)), "pages", at_most=0),
            "site_clicks_most": Figure(max(found.values()), "clicks", at_most=2),
        }


def build(folder: Path) -> None:
    """With the interpreter that runs this. Raises ``CalledProcessError`` for any warning."""
    environment = {**os.environ, "PYTHON": sys.executable}
    subprocess.run([ROOT / "scripts" / "docs", "build", str(folder)], cwd=ROOT, env=environment, check=True)
