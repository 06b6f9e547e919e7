from __future__ import annotations

import json
from typing import Any

import pytest

from tests.study.report.studies import batches, cell, study, swept, timeline
from thunderagent.errors import StudyError
from thunderagent.study.document import METRICS, VERSION, Study


@pytest.mark.parametrize(
    "written",
    [
        study(),
        swept(),
        batches(),
        study(
            cell("thunder", hit_rate=0.5),
            timelines=[timeline()],
            settings={"engine": "32b", "nested": {"a": [1, 2]}},
            notes=["n"],
        ),
    ],
    ids=["empty", "swept", "batches", "with a timeline"],
)
def test_a_study_is_read_as_it_was_written(written: Study) -> None:
    assert Study.from_json(written.to_json()) == written


@pytest.mark.parametrize("version", [None, 0, VERSION + 1, str(VERSION)])
def test_a_document_of_another_version_is_refused_with_what_to_do(version: object) -> None:
    document = {**json.loads(swept().to_json()), "version": version}
    with pytest.raises(StudyError, match=rf"no version {VERSION}; write it again with `thunderagent simulate`"):
        Study.from_json(json.dumps(document))


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", '"study"', "[" * 100_000], ids=lambda text: text[:8])
def test_what_is_no_study_is_refused(text: str) -> None:
    with pytest.raises(StudyError, match=r"version|no study can be read from it"):
        Study.from_json(text)


@pytest.mark.parametrize("key", ["title", "settings", "cells", "timelines", "notes"])
def test_a_part_that_is_missing_is_named(key: str) -> None:
    document = json.loads(swept().to_json())
    del document[key]
    with pytest.raises(StudyError, match=f"'{key}' is missing"):
        Study.from_json(json.dumps(document))


@pytest.mark.parametrize(
    "wrong",
    [
        {"cells": [{"workload": "swe"}]},
        {"cells": [{**json.loads(swept().to_json())["cells"][0], "new": 1}]},
        {"cells": [{**json.loads(swept().to_json())["cells"][0], "metrics": {"hit_rate": "high"}}]},
        {"cells": [{**json.loads(swept().to_json())["cells"][0], "metrics": [1]}]},
        {"cells": [1]},
        {"cells": 1},
        {"settings": 1},
        {"timelines": [{}]},
        {"timelines": [{"engines": [{}], "tracks": []}]},
        {"timelines": [{"engines": [], "tracks": [{"program": "p", "spans": [["tool", 0.0]]}]}]},
        {"timelines": [{"engines": [], "tracks": [{"program": "p", "spans": [["tool", "now", 1.0]]}]}]},
        {"notes": None},
    ],
    ids=str,
)
def test_a_part_of_another_shape_is_refused(wrong: dict[str, Any]) -> None:
    document = {**json.loads(swept().to_json()), **wrong}
    with pytest.raises(StudyError, match="no study can be read from it"):
        Study.from_json(json.dumps(document))


def test_cells_are_found_in_order_of_their_seeds() -> None:
    mixed = study(cell("a", seed=3), cell("a", seed=1), cell("a", load=1.0), cell("b", seed=2), cell("a", workload="search"))

    assert [found.seed for found in mixed.of("swe", "a", 4.0)] == [1, 3]


def test_workloads_and_policies_come_in_order_of_appearance_and_loads_by_size() -> None:
    mixed = study(cell("b", 4.0), cell("a", 1.0, workload="search"), cell("b", 1.0), cell("c", 2.0))

    assert mixed.workloads == ["swe", "search"]
    assert mixed.policies == ["b", "a", "c"]
    assert mixed.loads("swe") == [1.0, 2.0, 4.0]


def test_a_metric_says_which_way_is_better() -> None:
    assert METRICS["steps_per_min"].higher_is_better
    assert not METRICS["makespan_s"].higher_is_better
