"""The links of README.md, the documents and the examples; run as a module (scripts/docs links), it asks those that lead out."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
BLOCK = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
CODE = re.compile(BLOCK.pattern + r"|`[^`\n]+`", BLOCK.flags)
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$|<(https?://[^>\s]+)>", re.MULTILINE)
TIMEOUT_S = 20.0
"""Of one address that is asked."""


def links(document: Path) -> Iterator[str]:
    """Where it points: what stands in code is no link."""
    for found in LINK.findall(CODE.sub("", document.read_text(encoding="utf-8"))):
        yield next(filter(None, found))


def headings(document: Path) -> set[str]:
    """What a link can name after ``#``."""
    titles = re.findall(r"(?m)^#+ (.+)$", BLOCK.sub("", document.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def outside() -> dict[str, str]:
    """Addresses on other hosts, and a document that has them. Those of examples (``http://...``) are not asked."""
    return {
        link.partition("#")[0]: document.name for document in DOCUMENTS for link in links(document) if link.startswith("https://")
    }


def _problem(address: str) -> str:
    """Why it does not answer; empty: it does. A host that wants no robots is there all the same."""
    try:
        with urlopen(Request(address, headers={"User-Agent": "Mozilla/5.0"}), timeout=TIMEOUT_S):
            return ""
    except HTTPError as error:
        return "" if error.code in (403, 429) else str(error)
    except (OSError, ValueError) as error:
        return str(error)


def main() -> int:
    """Tell what does not answer."""
    asked = outside()
    with ThreadPoolExecutor(8) as pool:
        problems = {address: problem for address, problem in zip(asked, pool.map(_problem, asked), strict=True) if problem}
    for address, problem in problems.items():
        print(f"{asked[address]}: {address}: {problem}")
    print(f"{len(asked) - len(problems)} of {len(asked)} addresses answer")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
