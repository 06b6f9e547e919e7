"""How many clicks the pages of a built site are from its first one, on a wide screen."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
"""Elements of HTML that are never closed."""
DRAWER, OPEN_SECTION = "md-sidebar--primary", "md-nav__item--active"
"""Material writes the whole navigation into every page, for phones; on a wide screen only the part that is open is seen."""


class _Links(HTMLParser):
    """The links that are seen: those of the drawer only where their section is open."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag not in VOID:
            self._open.append((tag, (told.get("class") or "").split()))
        target = told.get("href")
        classes = [name for _, names in self._open for name in names]
        if tag == "a" and target and (DRAWER not in classes or OPEN_SECTION in classes):
            self.found.append(target)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass


def clicks(site: Path) -> dict[Path, int]:
    """Of each page that can be reached from ``site``'s ``index.html``: the fewest clicks."""
    home = site.resolve() / "index.html"
    found = {home: 0}
    waiting = [home]
    for page in waiting:
        for target in _targets(page):
            if target.is_relative_to(home.parent) and target.suffix == ".html" and target.exists() and target not in found:
                found[target] = found[page] + 1
                waiting.append(target)
    return found


def pages(site: Path) -> set[Path]:
    """All that there are, but the one for addresses that do not exist."""
    return set(site.resolve().rglob("*.html")) - {site.resolve() / "404.html"}


def _targets(page: Path) -> list[Path]:
    links = _Links()
    links.feed(page.read_text(encoding="utf-8"))
    parts = [urlsplit(link) for link in links.found]
    paths = [(page.parent / unquote(part.path)).resolve() for part in parts if not part.scheme and not part.netloc and part.path]
    return [path / "index.html" if path.is_dir() else path for path in paths]
