"""The Python of pages that cannot run here: its names, arguments and types."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.docs.blocks.pages import ROOT, Block, blocks, shown

LOOSE = """
[[tool.mypy.overrides]]
module = "shown.*"
disallow_untyped_defs = false
disallow_incomplete_defs = false
disallow_untyped_decorators = false
disallow_any_generics = false
disallow_subclassing_any = false
warn_return_any = false
ignore_missing_imports = true
disable_error_code = ["top-level-await", "empty-body"]
"""
"""For pages: readers annotate as they like, and may await at the top level."""


def problems(pages: Iterable[Path], folder: Path) -> list[str]:
    """What mypy says against the blocks that are not run, with the page's own lines."""
    files = {}
    for page in pages:
        found = [block for block in blocks(page) if block.language == "python" and block.mark != "no"]
        if any(block.mark == "gpu" for block in found):
            file = folder / "shown" / (re.sub(r"\W", "_", shown(page)) + ".py")
            file.parent.mkdir(exist_ok=True)
            file.write_text(_at_their_lines(found), encoding="utf-8")
            files[str(file.relative_to(folder))] = shown(page)
    if not files:
        return []
    (folder / "shown" / "__init__.py").touch()
    (folder / "mypy.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8") + LOOSE, encoding="utf-8")
    # Strict as the project is, so that what mypy remembers of it is used.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", folder / "mypy.toml", "--cache-dir", ROOT / ".mypy_cache"]
        + [folder / file for file in files],
        cwd=ROOT,
        env={"MYPYPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    if not done.returncode:
        return []
    for file, page in files.items():
        said = re.sub(rf"(?m)^\S*{re.escape(file)}", page, said)
    return said.splitlines()


def _at_their_lines(blocks: Iterable[Block]) -> str:
    text = ""
    for block in blocks:
        text += "\n" * (block.line - 1 - text.count("\n")) + block.text
    return text
