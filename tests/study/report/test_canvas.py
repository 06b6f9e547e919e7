from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import matplotlib

from tests.study.report.studies import cell, study
from thunderagent.study.report.canvas import save_png, to_svg
from thunderagent.study.report.pictures import Picture, study_pictures


def picture() -> Picture:
    names = ("$x^{", "<b>&", "\N{CJK UNIFIED IDEOGRAPH-4E2D}")
    return study_pictures(study(*(cell(name, steps_per_min=1.0) for name in names)))[0]


def test_a_figure_in_a_page_is_well_formed_and_has_a_name() -> None:
    svg = ElementTree.fromstring(to_svg(picture().figure, "name", 'what "it" shows').replace("xlink:", ""))

    assert svg.get("role") == "img"
    assert svg.get("aria-label") == 'what "it" shows'
    assert {"$x^{", "<b>&"} <= {text.strip() for text in svg.itertext()}, "text stays text, and names are no mathematics"


def test_a_figure_in_a_page_has_the_colours_and_the_font_of_the_page_and_no_address() -> None:
    svg = to_svg(picture().figure, "name", "")

    assert "var(--ink)" in svg and "var(--grid)" in svg
    assert "DejaVu" not in svg
    assert "http" not in svg
    assert "<g id=" not in svg and "<style" not in svg


def test_a_png_is_written_and_the_style_stays_inside(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    save_png(picture().figure, tmp_path / "a.png")

    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert dict(matplotlib.rcParams) == before
