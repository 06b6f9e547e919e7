"""The documentation site is built without a warning, and everything in it can be found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.docs.clicks import clicks, pages
from benchmarks.docs.site import build
from tests.browser import browsing
from tests.docs.diagrams import diagrams

pytest.importorskip("material", reason="the site needs the extra docs")
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.xdist_group("site")  # it is built once


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warning ends the build, and with it these tests."""
    folder = tmp_path_factory.mktemp("site")
    build(folder)
    return folder


def test_a_link_to_nowhere_ends_the_build(tmp_path: Path) -> None:
    for folder in ("scripts", "docs"):
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / "scripts" / "docs", tmp_path / "scripts" / "docs")
    (tmp_path / "mkdocs.yml").write_text("site_name: a site\ntheme: {name: null, custom_dir: docs}\n")
    (tmp_path / "docs" / "index.md").write_text("[a page](nowhere.md)\n")
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run([tmp_path / "scripts" / "docs", "build"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "nowhere.md" in done.stderr


def test_every_page_is_at_most_two_clicks_from_home(site: Path) -> None:
    found = clicks(site)
    assert pages(site) == set(found)
    assert not {page for page, count in found.items() if count > 2}


def test_a_page_asks_nothing_of_other_hosts(site: Path) -> None:
    asked = re.compile(
        r"""<(?:script|img|iframe)[^>]* src=["']?https?:|<link[^>]* rel=["']?(?:stylesheet|preconnect)["']?[^>]*https?:"""
    )
    assert not [page.name for page in pages(site) if asked.search(page.read_text(encoding="utf-8"))]


def test_the_changelog_is_a_page(site: Path) -> None:
    assert "Keep a Changelog" in (site / "changelog" / "index.html").read_text(encoding="utf-8")


@pytest.mark.browser
def test_every_diagram_is_drawn_by_the_sites_own_mermaid(site: Path) -> None:
    mermaid = site / "assets" / "javascripts" / "mermaid.min.js"
    if not mermaid.exists():
        pytest.skip("Mermaid could not be fetched")
    with browsing() as browser:
        page = browser.new_page()
        page.add_script_tag(path=mermaid)
        for diagram in diagrams():
            drawn = page.evaluate("text => mermaid.render('it', text).then(it => it.svg, error => String(error))", diagram.text)
            assert drawn.startswith("<svg"), f"{diagram}: {drawn}"
