"""No table of figures without the command and the day that made it."""

from __future__ import annotations

import importlib.util
import re

import pytest

from tests.docs.links import DOCUMENTS, ROOT

MARKED = re.compile(r"<!-- (\w+): begin \(scripts/readme_\w+[^>]*-->\n(.*?)<!-- \1: end -->", re.DOTALL)
MADE = re.compile(r"`([^`]+)` on (\d{4}-\d\d-\d\d)[:.]")
TABLES = [
    pytest.param(text, id=f"{document.relative_to(ROOT)}: {mark}")
    for document in DOCUMENTS
    for mark, text in MARKED.findall(document.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("text", TABLES)
def test_a_table_says_when_and_how_it_was_made(text: str) -> None:
    made = MADE.search(text)
    assert made, "scripts/readme_* write this line below the table: `COMMAND` on YYYY-MM-DD"
    (module,) = re.findall(r"(?:recipes|benchmarks)[.\w]*", made[1])
    assert importlib.util.find_spec(module), f"there is no {module}"
