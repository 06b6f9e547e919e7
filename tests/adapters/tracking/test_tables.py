"""A bounded choice of steps: the latest, and those that were held back longest."""

from __future__ import annotations

from tests.adapters.tracking.test_profiles import step
from thunderagent.adapters.tracking.axes import TABLES
from thunderagent.adapters.tracking.tables import COLUMNS, StepTables

LATEST, LONGEST = TABLES


def column(tables: dict[str, list[tuple[object, ...]]], table: str, name: str) -> list[object]:
    return [row[COLUMNS.index(name)] for row in tables[table]]


def test_the_latest_and_the_longest_waits_are_kept_and_no_more_rows_than_allowed() -> None:
    tables = StepTables(rows=3)
    for number, pause_s in enumerate((5.0, 0.0, 9.0, 1.0, 7.0, 0.5)):
        one = step(number)
        one.pause_s = pause_s
        tables.took_step(one)
    taken = tables.take()
    assert column(taken, LATEST, "step_id") == [5, 4, 3]
    assert column(taken, LONGEST, "pause_s") == [9.0, 7.0, 5.0]


def test_what_was_taken_is_not_told_again_and_an_empty_table_is_not_there() -> None:
    tables = StepTables()
    one = step(1)
    one.pause_s = 0.0
    tables.took_step(one)
    assert tables.take().keys() == {LATEST}
    assert tables.take() == {}
