from __future__ import annotations

import io

import pytest

pytest.importorskip("openai")
from rich.console import Console

from recipes.serve.agents.agent import Step
from recipes.serve.agents.report import table
from recipes.serve.agents.tally import Tally


def printed(tallies: dict[str, Tally]) -> list[list[str]]:
    console = Console(file=io.StringIO(), width=120)
    console.print(table(tallies))
    assert isinstance(console.file, io.StringIO)
    return [line.split() for line in console.file.getvalue().splitlines()]


ALONE = Tally([Step(2.0, None, 100, 20), Step(4.0, None, 100, 20)], span_s=6.0)
GATEWAY = Tally([Step(1.0, 0.5, 100, 90), Step(1.5, 0.0, 100, 70), Step(0.1, None, 0, 0, failed=True)], span_s=3.0)


def test_two_addresses_stand_beside_each_other_and_the_second_is_compared_with_the_first() -> None:
    lines = printed({"http://e": ALONE, "http://g": GATEWAY})

    assert lines[0] == ["http://e", "http://g"]
    assert lines[1] == ["no", "gateway", "gateway"]
    assert ["steps", "per", "minute", "20", "40", "(2.00x)"] in lines
    assert ["KV", "hit", "rate", "0.20", "0.80"] in lines
    assert ["held", "back,", "mean", "and", "most,", "s", "0.25,", "0.50"] in lines
    assert ["failed", "0", "1"] in lines


def test_turns_are_told_by_their_median_and_their_slowest() -> None:
    assert (ALONE.turn_s(0.5), ALONE.turn_s(0.95), Tally().turn_s(0.5)) == (4.0, 4.0, 0.0)


def test_nothing_done_is_no_error() -> None:
    empty = Tally()

    assert (empty.steps_per_min, empty.hit_rate, empty.mean_wait_s) == (0.0, 0.0, 0.0)
    assert ["steps", "0"] in printed({"http://g": empty})
