"""Numbers in few columns, bars, sparklines."""

from __future__ import annotations

import pytest

from thunderagent.cli.top import words


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (950, "950"),
        (999.6, "1.0k"),
        (12_449, "12.4k"),
        (99_940, "99.9k"),
        (99_960, "100k"),
        (131_072, "131k"),
        (999_700, "1.0M"),
        (1_300_000, "1.3M"),
        (2.5e9, "2.5G"),
    ],
)
def test_tokens_take_at_most_five_columns(count: float, text: str) -> None:
    assert words.tokens(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.26, "0.3s"),
        (9.96, "10s"),
        (59.6, "1m00s"),
        (247, "4m07s"),
        (7_500, "2h05m"),
        (3 * 86_400 + 4 * 3_600, "3d04h"),
    ],
)
def test_durations_take_at_most_five_columns(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("columns", "whole", "shares", "parts"),
    [
        (10, 100, (50, 20), [5, 2, 3]),
        (10, 100, (1, 1), [1, 1, 8]),  # what is there is seen
        (10, 100, (0, 0), [0, 0, 10]),
        (10, 0, (0, 0), [0, 0, 10]),
        (10, 100, (80, 80), [8, 2, 0]),
    ],
)
def test_bars_are_as_long_as_their_room(columns: int, whole: float, shares: tuple[float, float], parts: list[int]) -> None:
    assert words.parts(columns, whole, *shares) == parts


def test_sparklines_end_at_the_right_and_leave_out_what_is_not_known() -> None:
    assert words.sparkline([0.0, 5.0, None, 10.0], 6) == "  ▁▅ █"
    assert words.sparkline([1.0, 2.0, 3.0], 2) == "▆█"
    assert words.sparkline([0.5], 1, highest=1.0) == "▅"
    assert words.sparkline([2.0], 1, highest=1.0) == "█"
    assert words.sparkline([0.0, 0.0], 2) == "▁▁"
    assert words.sparkline([], 3) == "   "
    assert words.sparkline([0.0, 1.0], 2, ascii_only=True) == ".@"


def test_names_of_clients_cannot_move_the_cursor() -> None:
    assert words.clean("a\x1b[2Jb\nc") == "a?[2Jb?c"
    assert words.clean("köln") == "köln"
    assert words.clean("köln", ascii_only=True) == "k?ln"
