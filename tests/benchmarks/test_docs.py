"""Clicks are counted as a reader makes them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.docs.clicks import clicks, pages

HOME = """<link href="far/index.html"><div class="md-sidebar md-sidebar--primary"><ul>
<li class="md-nav__item"><input><a href="far/">closed section</a></li>
<li class="md-nav__item md-nav__item--active"><a href="near/">open section</a></li></ul></div>
<a href="https://elsewhere.example/far/">elsewhere</a><a href="#top">here</a>"""


def test_a_link_of_a_closed_section_of_the_navigation_is_no_click(tmp_path: Path) -> None:
    for name, text in {"": HOME, "near": '<p><br><a href="../far/#part">on</a></p>', "far": "", "lost": ""}.items():
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "index.html").write_text(text)
    counted = {page.parent.name: count for page, count in clicks(tmp_path).items()}
    assert counted == {tmp_path.name: 0, "near": 1, "far": 2}
    assert {page.parent.name for page in pages(tmp_path) - set(clicks(tmp_path))} == {"lost"}
