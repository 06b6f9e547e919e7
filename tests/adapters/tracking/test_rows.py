"""The public columns come first, and the quick way writes what the careful one does."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.tracking.steps import step
from thunderagent.adapters.tracking import CSV_COLUMNS
from thunderagent.adapters.tracking.rows import KINDS
from thunderagent.runtime import StepProfile

KIND = KINDS[StepProfile]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["null", "a,null", "],[", 'say "a"', "%b", "a\\", "é\n"]
)
SECONDS = st.none() | st.floats(0, 1e12)


def test_the_columns_of_the_published_system_come_first() -> None:
    published = "program_id,step_id,prefill_s,decode_s,pause_s,tool_call_s,kv_hit_rate,completed_at"
    assert ",".join(CSV_COLUMNS).startswith(published)
    assert KIND.header.decode() == ",".join(CSV_COLUMNS) + "\r\n"


@given(st.lists(st.builds(step, st.integers(0, 2**40), TEXTS, TEXTS), min_size=1, max_size=4), SECONDS, SECONDS)
def test_whatever_a_step_holds_both_lines_give_it_back(steps: list[StepProfile], first_s: float | None, last_s: float) -> None:
    steps = [replace(each, prefill_s=first_s, queue_s=last_s) for each in steps]
    jsonl, csv_rows = KIND.lines(steps)
    read = list(csv.reader(io.StringIO(csv_rows.decode(), newline="")))
    assert [json.loads(line) for line in jsonl.decode().removesuffix("\n").split("\n")] == [
        dict(zip(CSV_COLUMNS, (*KIND.values_of(each), 1), strict=True)) for each in steps
    ]
    for row, each in zip(read, steps, strict=True):
        assert (row[0], row[1], row[18], row[19]) == (each.program_id, str(each.step_id), each.tool, "1")
        assert [None if text == "" else float(text) for text in (row[2], row[9])] == [first_s, last_s]


@pytest.mark.parametrize("odd", ["", "a,b", 'a "b"', "null,null"])
def test_odd_texts_beside_plain_ones_change_no_other_row(odd: str) -> None:
    alone = KIND.lines([step(1)])
    assert KIND.lines([step(1), step(2, tool=odd), step(1)])[1].split(b"\r\n")[::2] == [alone[1].strip()] * 2
