from __future__ import annotations

from tests.study.report.studies import batches, cell, study, swept
from thunderagent.study.document import Study
from thunderagent.study.report.comparison import comparisons
from thunderagent.study.report.headline import headlines


def figures(of: Study) -> list[tuple[str, str]]:
    (headline,) = headlines(comparisons(of))
    return headline.figures


def test_thunder_is_compared_at_the_highest_load() -> None:
    assert figures(swept()) == [("3.10x", "the engine alone"), ("78%", "of the bound")]


def test_all_rivals_that_were_simulated_are_named() -> None:
    rows = (("default", 100.0), ("cap", 200.0), ("tr", 250.0), ("thunder", 300.0), ("bound", 400.0))
    found = figures(study(*(cell(policy, steps_per_min=rate) for policy, rate in rows)))

    assert found == [("3.00x", "the engine alone"), ("1.50x", "the best cap"), ("1.20x", "tr"), ("75%", "of the bound")]


def test_a_batch_is_compared_by_its_makespan() -> None:
    assert figures(batches()) == [("2.50x", "the engine alone")]


def test_nothing_is_said_without_thunder_or_without_rivals_or_over_zero() -> None:
    assert headlines(comparisons(study(cell("tr", steps_per_min=1.0)))) == []
    assert headlines(comparisons(study(cell("thunder", steps_per_min=1.0)))) == []
    assert headlines(comparisons(study(cell("thunder", steps_per_min=1.0), cell("default", steps_per_min=0.0)))) == []
