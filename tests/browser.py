"""A real browser without a screen: Debian's chromium, driven by playwright. Without either, tests are skipped with the reason."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def browsing() -> Iterator[Browser]:
    """Started for a module, and ended with it: while playwright runs, no other loop can in this thread."""
    pytest.importorskip("playwright", reason="no playwright: pip install playwright")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no chromium: scripts/real-browser setup installs it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])  # its sandbox needs more than root has
        try:
            yield browser
        finally:
            browser.close()
