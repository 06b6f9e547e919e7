"""Pages of an engine without the engine: those recorded from real ones, and what tests make of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thunderagent.adapters.engines.engine import Page

PAGES = Path(__file__).parent / "pages"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
NOT_FOUND = Page(404, "application/json", b'{"detail":"Not Found"}')


def recorded(name: str) -> bytes:
    """A page of a real engine, shortened."""
    return (PAGES / name).read_bytes()


class FakeHttp:
    """Answers from a table; what is not in it is 404."""

    def __init__(self, **pages: bytes | str | int | dict[str, Any] | Page) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []
        for name, page in pages.items():
            self[name] = page

    def __setitem__(self, name: str, page: bytes | str | int | dict[str, Any] | Page) -> None:
        """``metrics``, ``server_info``, ``v1__loads``; a page, its text, its JSON, or a status alone."""
        path = "/" + name.replace("__", "/")
        match page:
            case Page():
                self.pages[path] = page
            case int():
                self.pages[path] = Page(page, "text/html", b"<html></html>")
            case dict():
                self.pages[path] = Page(200, "application/json", json.dumps(page).encode())
            case str():
                self.pages[path] = Page(200, TEXT, page.encode())
            case bytes():
                self.pages[path] = Page(200, TEXT, page)

    async def get(self, path: str) -> Page:
        """Whatever the query."""
        path = path.partition("?")[0]  # vLLM's filtered page is at /metrics/
        self.asked.append(path)
        return self.pages.get(path, NOT_FOUND)
