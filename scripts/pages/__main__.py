"""``scripts/reference``: between the marks of each page, what the code says; what is before them is written by hand."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from scripts.marked import ROOT, replaced
from scripts.pages import cli, configuration, http_api, metrics

MARK = "reference"
PAGES: dict[str, Callable[[], list[str]]] = {
    "docs/configuration.md": configuration.lines,
    "docs/reference/cli.md": cli.lines,
    "docs/reference/http_api.md": http_api.lines,
    "docs/reference/metrics.md": metrics.lines,
}


def written(page: str) -> str:
    """What the file has to be."""
    return replaced(ROOT / page, MARK, PAGES[page]())


def main() -> None:
    """Write all, or complain about those that are not as they have to be."""
    arguments = sys.argv[1:]
    if arguments not in ([], ["--check"]):
        sys.exit("error: usage: scripts/reference [--check]")
    stale = {page: text for page in PAGES if (text := written(page)) != Path(ROOT / page).read_text(encoding="utf-8")}
    if arguments:
        sys.exit(f"error: not as the code: {', '.join(stale)}; scripts/reference writes them" if stale else None)
    for page, text in stale.items():
        Path(ROOT / page).write_text(text, encoding="utf-8")
        print(page)


if __name__ == "__main__":
    main()
