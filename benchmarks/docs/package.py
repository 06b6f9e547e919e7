"""The package alone: what ``pip install thunderagent`` brings, and what importing it costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from benchmarks.report import Figure

ROOT = Path(__file__).parents[2]
IMPORT = "import time; began_s = time.process_time(); import {}; print(time.process_time() - began_s)"
PARTS = {"import_cpu_s": "thunderagent", "import_scheduler_cpu_s": "thunderagent.core, thunderagent.runtime, thunderagent.config"}
"""The package's own ``__init__`` is nearly empty; the second is what a host of the scheduler imports."""


def measure(quick: bool) -> dict[str, Figure]:
    """A wheel of this checkout, in a fresh environment."""
    with tempfile.TemporaryDirectory() as folder:
        python = _installed(Path(folder))
        (packages,) = Path(folder).glob("environment/lib/python*/site-packages")
        size_bytes = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())
        figures = {"installed_mb": Figure(size_bytes / 1e6, "MB", at_most=30)}
        for name, modules in PARTS.items():
            used_s = [float(_said(python, "-c", IMPORT.format(modules))) for _ in range(3 if quick else 15)]
            figures[name] = Figure(statistics.median(used_s), "s", at_most=0.3)
        return figures


def _installed(folder: Path) -> Path:
    """The interpreter of an environment that has nothing but this package, not even pip."""
    _said(Path(sys.executable), "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist"))
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "environment")
    python = folder / "environment" / "bin" / "python"
    _said(Path(sys.executable), "-m", "pip", "--quiet", "--python", str(python), "install", str(wheel))
    return python


def _said(python: Path, *arguments: str) -> str:
    return subprocess.run([python, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
