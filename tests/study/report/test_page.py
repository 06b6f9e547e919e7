from __future__ import annotations

import re
from html.parser import HTMLParser

from tests.study.report.studies import batches, cell, samples, study, swept, timeline
from thunderagent.study.document import Study, Track
from thunderagent.study.report.page import flat, page
from thunderagent.study.report.pictures import study_pictures, timeline_pictures

HOSTILE = "\"><script>alert('$x^{')</script><img src=http://evil.example/x onerror=alert(1)>"
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Parsed(HTMLParser):
    """A page's elements; complains about what is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.cells: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self._open):
            self.cells[-1] += data.strip() + " " if data.strip() else ""


def rendered(of: Study) -> str:
    return page(of, study_pictures(of), timeline_pictures(of))


def test_the_page_has_each_policy_with_its_median_and_its_spread() -> None:
    cells = [cell.strip() for cell in Parsed(rendered(swept())).cells]

    assert "engine alone" in cells and "thunder" in cells
    assert "310 304\N{EN DASH}318" in cells
    assert "100 94\N{EN DASH}108" in cells


def test_the_best_value_of_a_column_is_marked() -> None:
    text = rendered(study(cell("default", steps_per_min=100.0), cell("thunder", steps_per_min=300.0)))

    assert '<b class="best">300</b>' in text
    assert '<b class="best">100</b>' not in text


def test_the_headline_comes_before_the_pictures_and_those_before_the_tables() -> None:
    text = rendered(swept())

    assert "3.10x" in text
    assert text.index("3.10x") < text.index("<svg") < text.index("<table")


def test_pictures_stand_in_the_page_with_words_for_those_who_do_not_see_them() -> None:
    of = study(*swept().cells, timelines=[timeline()])
    parsed = Parsed(rendered(of))

    assert parsed.tags.count("svg") == 5
    assert len([value for name, value in parsed.attributes if name == "aria-label" and value and "thunder" in value]) >= 5


def test_hostile_names_are_text_and_nothing_else() -> None:
    engines, tracks = [samples(HOSTILE), samples()], [Track(HOSTILE, [("tool", 0.0, 1.0)])]
    of = study(
        *(cell(HOSTILE, load, workload=HOSTILE, steps_per_min=1.0, wait_max_s=1.0) for load in (0.0, 1.0, 2.0)),
        timelines=[timeline(policy=HOSTILE, engines=engines, tracks=tracks)],
        title=HOSTILE,
        settings={HOSTILE: {HOSTILE: [HOSTILE]}},
        notes=[HOSTILE],
    )
    parsed = Parsed(rendered(of))

    assert not {"script", "img"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]


def test_the_page_asks_nothing_of_anybody() -> None:
    of = study(*swept().cells, *batches().cells, timelines=[timeline()], notes=["a note"], settings={"seeds": [1, 2]})
    text = rendered(of)

    assert "http:" not in text and "https:" not in text and "//" not in re.sub(r"base64,[^\"]*", "", text)
    addresses = [value for name, value in Parsed(text).attributes if name in ("src", "href", "xlink:href")]
    assert addresses and all(value is not None and value.startswith(("#", "data:")) for value in addresses)


def test_settings_and_notes_are_shown() -> None:
    settings = {"engine": {"name": "32B", "tokens": 270_000.0}, "seeds": [1, 2], "quick": True}
    text = rendered(study(settings=settings, notes=["mind the gap"]))

    assert "mind the gap" in text
    for word in ("engine.name", "32B", "270,000", "1, 2", "True"):
        assert word in text


def test_nested_settings_become_lines() -> None:
    assert list(flat({"a": {"b": 1, "c": {"d": None}}, "e": ()})) == [("a.b", "1"), ("a.c.d", "None"), ("e", "")]


def test_the_glossary_explains_what_occurs_and_nothing_else() -> None:
    text = rendered(study(cell("tr", hit_rate=0.5)))

    assert "2602.13692" in text
    assert "Part of the prompt tokens" in text
    assert "Jain" not in text


def test_an_empty_study_is_a_page_too() -> None:
    text = rendered(study())

    assert "No simulations." in text
    assert "<table" not in text and "<svg" not in text
