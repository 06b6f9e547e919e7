from __future__ import annotations

from thunderagent.study import document
from thunderagent.study.report import palette, words


def test_every_column_and_state_is_explained_and_every_state_has_a_colour() -> None:
    assert set(words.METRICS) == set(document.METRICS)
    assert set(words.STATES) == set(palette.STATES) == set(document.STATES)
