"""What the documents point at is there."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.links import DOCUMENTS, ROOT, headings, links


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(document):
        parts = urlsplit(link)
        if parts.scheme in ("http", "https"):
            assert parts.hostname and "." in parts.hostname, f"no address: {link}"
            continue
        assert parts.scheme in ("", "mailto"), f"no address: {link}"
        target = document.parent / parts.path if parts.path else document
        assert parts.scheme or target.exists(), f"there is no {link}"
        if parts.fragment and target.suffix == ".md":
            assert parts.fragment in headings(target), f"{link}: {target.name} has no such heading"
