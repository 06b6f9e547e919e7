"""What programs do, from their steps."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("numpy")
pytest.importorskip("msgspec")

import numpy as np

from tests.study.recorded.runs import step, steps
from thunderagent.study.recorded.states import STATES, at_once, spans_of, states_of


def spans(folder: Path, **others: object) -> dict[str, tuple[float, float]]:
    found = spans_of(steps(folder, step("first"), step("a", 2, 10, **others)))
    return {state: (float(found[state][0][1]), float(found[state][1][1])) for state in STATES}


def test_a_step_passes_through_its_states_without_a_gap(tmp_path: Path) -> None:
    assert spans(tmp_path, tool_call_s=4.0) == {
        "tool": (6, 10),
        "paused": (10, 11),
        "queued": (11, 12),
        "prefill": (12, 13),
        "decode": (13, 15),
    }


def test_where_the_engine_tells_nothing_all_of_its_time_is_decode(tmp_path: Path) -> None:
    found = spans(tmp_path, prefill_s=None, decode_s=None, queue_s=None)
    assert found["decode"] == (11, 15)
    assert found["queued"] == found["prefill"] == (11, 11)


def test_times_that_are_too_long_for_their_step_are_cut(tmp_path: Path) -> None:
    found = spans(tmp_path, pause_s=100.0, tool_call_s=100.0)
    assert found["tool"] == (0, 10)
    assert found["paused"] == (10, 15)
    assert found["decode"] == (15, 15)


def test_states_without_time_have_no_key(tmp_path: Path) -> None:
    told = spans_of(steps(tmp_path, step()))
    untold = spans_of(steps(tmp_path, step(prefill_s=None, decode_s=None, pause_s=0.0)))
    assert [state.label for state in states_of([told]).values()] == ["paused", "queued", "prefill", "decode"]
    assert [state.label for state in states_of([untold]).values()] == ["in the engine"]


def test_spans_at_once_are_counted_as_a_loop_would() -> None:
    random = np.random.default_rng(0)
    begins = random.uniform(0, 100, 300)
    ends = begins + random.exponential(5, 300)
    edges = np.linspace(0, 90, 14)

    expected = [
        sum(max(0.0, min(end, high) - max(begin, low)) for begin, end in zip(begins, ends, strict=True)) / (high - low)
        for low, high in pairwise(edges)
    ]
    assert at_once(begins, ends, edges) == pytest.approx(expected)
