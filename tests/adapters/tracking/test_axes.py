"""The tables of metrics, and that users are told exactly of these."""

from __future__ import annotations

import re
from pathlib import Path

from thunderagent.adapters.tracking.axes import SCHEDULING, SCHEDULING_KEYS, TABLES, TRAINING, WALL_TIME, define_axes

DOCS = (Path(__file__).parents[3] / "docs" / "seeing_wandb.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", DOCS, re.MULTILINE)


def test_the_docs_have_every_metric_of_scheduling_with_its_unit_and_meaning() -> None:
    told = [row for row in ROWS if row[0].startswith("thunder/")]
    assert told == [(WALL_TIME, "s", "since the first sample"), *((m.key, m.unit, m.meaning) for m in SCHEDULING)]


def test_the_docs_have_every_metric_of_a_training_step_with_its_unit_and_meaning() -> None:
    names = {name for name, _, _ in TRAINING}
    assert [row for row in ROWS if row[0] in names] == list(TRAINING)
    assert all(f"`{name}`" in DOCS for name in TABLES)


def test_each_worst_engine_is_beside_the_mean() -> None:
    for key in SCHEDULING_KEYS:
        if key.endswith(("_max", "_min")) and not key.endswith("_per_min"):
            assert f"{key[:-4]}_mean" in SCHEDULING_KEYS


def test_no_key_is_there_twice() -> None:
    assert len(set(SCHEDULING_KEYS)) == len(SCHEDULING_KEYS)


def test_trackers_without_axes_are_left_as_they_are() -> None:
    define_axes(object())
