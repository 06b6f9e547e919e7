from __future__ import annotations

import math

from tests.study.report.studies import batches, cell, study, swept
from thunderagent.study.report.comparison import Spread, comparisons, heaviest


def test_medians_and_spreads_are_over_seeds() -> None:
    at_load_1, at_load_4 = comparisons(swept())

    assert at_load_1.rows["default"]["steps_per_min"] == Spread(300.0, 294.0, 308.0, 3)
    assert at_load_4.rows["default"]["steps_per_min"] == Spread(100.0, 94.0, 108.0, 3)
    assert (at_load_4.title, at_load_4.programs, at_load_4.seeds) == ("swe, load 4", 64, 3)


def test_what_is_no_number_does_not_count() -> None:
    (one,) = comparisons(study(cell("tr", seed=1, hit_rate=math.nan), cell("tr", seed=2, hit_rate=0.5, preemptions=math.inf)))

    assert one.rows == {"tr": {"hit_rate": Spread(0.5, 0.5, 0.5, 1)}}


def test_the_best_is_the_highest_or_the_lowest_and_never_the_bound() -> None:
    rows = (
        cell("default", steps_per_min=100.0, wait_max_s=5.0),
        cell("thunder", steps_per_min=300.0, wait_max_s=9.0),
        cell("bound", steps_per_min=400.0),
    )
    (one,) = comparisons(study(*rows))

    assert one.best("steps_per_min") == {"thunder"}
    assert one.best("wait_max_s") == {"default"}


def test_who_is_as_good_as_the_best_as_far_as_is_shown_is_best_too() -> None:
    (one,) = comparisons(study(*(cell(name, hit_rate=rate) for name, rate in (("a", 0.90001), ("b", 0.90002), ("c", 0.5)))))

    assert one.best("hit_rate") == {"a", "b"}


def test_nobody_is_best_where_all_are_equal_or_alone() -> None:
    (equal,) = comparisons(study(cell("a", hit_rate=0.9), cell("b", hit_rate=0.9)))
    (alone,) = comparisons(study(cell("a", hit_rate=0.9)))

    assert equal.best("hit_rate") == set()
    assert alone.best("hit_rate") == set()


def test_a_metric_that_is_the_same_for_all_is_no_column() -> None:
    (one,) = comparisons(study(cell("a", hit_rate=0.9, preemptions=0.0), cell("b", hit_rate=0.8, preemptions=0.0)))

    assert one.columns == ["hit_rate"]
    assert one.same == {"preemptions": "0 requests"}


def test_a_lone_policy_keeps_all_its_columns() -> None:
    (one,) = comparisons(study(cell("a", hit_rate=0.9, preemptions=0.0)))

    assert one.columns == ["hit_rate", "preemptions"]


def test_the_bound_comes_last() -> None:
    (one,) = comparisons(study(cell("bound", hit_rate=1.0), cell("tr", hit_rate=0.5)))

    assert list(one.rows) == ["tr", "bound"]


def test_the_heaviest_are_the_highest_loads_and_the_batches() -> None:
    both = study(*swept().cells, *batches().cells)

    assert [one.title for one in heaviest(comparisons(both))] == ["swe, load 4", "rl-batch"]
