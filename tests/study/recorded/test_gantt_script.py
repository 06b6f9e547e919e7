"""The programs of a run in a real browser: drawn on a canvas that zooms and moves; still where no script runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
pytest.importorskip("matplotlib")
pytest.importorskip("msgspec")

from playwright.sync_api import sync_playwright

from tests.study.recorded.runs import busy, run
from thunderagent.study.recorded import page
from thunderagent.study.recorded.gantt import SHOWN

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
COLOURS = """canvas => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data, seen = {};
    for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3] === 255) {
        const colour = [pixels[at], pixels[at + 1], pixels[at + 2]].join();
        seen[colour] = (seen[colour] || 0) + 1;
    }
    return seen;
}"""
DECODE, TOOL = "27,127,140", "221,184,74"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    made = folder / "report.html"
    made.write_text(page(run(folder, *busy(programs=2 * SHOWN))), encoding="utf-8")
    return made


@pytest.fixture
def tab(chromium: Any, path: Path) -> Iterator[Any]:
    with chromium.new_context(viewport={"width": 1200, "height": 900}) as context:
        opened, problems = context.new_page(), []
        opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.goto(path.as_uri())
        yield opened
        assert problems == []


def frame(tab: Any) -> dict[str, int]:
    """Colours on the canvas, when what was asked for is drawn."""
    tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return dict(tab.locator("canvas").evaluate(COLOURS))


def test_programs_are_drawn_and_the_still_picture_gives_way(tab: Any) -> None:
    seen = frame(tab)
    assert seen[DECODE] > 1_000
    assert seen[TOOL] > 1_000
    assert not tab.locator("svg.still").is_visible()


def test_it_zooms_moves_and_goes_back(tab: Any) -> None:
    whole = frame(tab)
    tab.get_by_role("button", name="Zoom in").click()
    tab.get_by_role("button", name="Zoom in").click()
    near = frame(tab)
    assert near != whole
    canvas = tab.locator("canvas")
    canvas.focus()
    tab.keyboard.press("ArrowLeft")
    assert frame(tab) != near
    box = canvas.bounding_box()
    tab.mouse.move(box["x"] + 600, box["y"] + 40)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 400, box["y"] + 40)
    tab.mouse.up()
    moved = frame(tab)
    tab.keyboard.press("-")
    assert frame(tab) != moved
    tab.get_by_role("button", name="whole run").click()
    assert frame(tab) == whole


def test_the_wheel_scrolls_the_page_and_zooms_with_ctrl(tab: Any) -> None:
    whole = frame(tab)
    tab.locator("canvas").hover(position={"x": 500, "y": 100})
    tab.mouse.wheel(0, -100)
    assert frame(tab) == whole
    tab.keyboard.down("Control")
    tab.mouse.wheel(0, -100)
    tab.keyboard.up("Control")
    assert frame(tab) != whole


def test_a_span_under_the_pointer_is_told(tab: Any) -> None:
    tab.locator("canvas").hover(position={"x": 230, "y": 9})
    assert tab.locator("output").inner_text().startswith("train/")


def test_other_programs_can_be_chosen(tab: Any) -> None:
    before = frame(tab)
    tab.get_by_label("Which programs").select_option("sample")
    assert frame(tab) != before


def test_paper_gets_the_still_picture(tab: Any) -> None:
    tab.emulate_media(media="print")
    assert tab.locator("svg.still").is_visible()
    assert not tab.locator("canvas").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_a_script_the_page_has_all_of_it(chromium: Any, path: Path, scheme: str) -> None:
    with chromium.new_context(java_script_enabled=False, color_scheme=scheme) as context:
        tab = context.new_page()
        tab.goto(path.as_uri())
        assert tab.locator("svg.still text").first.is_visible()
        assert not tab.get_by_role("button", name="Zoom in").is_visible()


def test_a_phone_is_wide_enough(chromium: Any, path: Path) -> None:
    with chromium.new_context(viewport={"width": 390, "height": 800}) as context:
        tab = context.new_page()
        tab.goto(path.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
