from __future__ import annotations

import pytest

from thunderagent.cli import units
from thunderagent.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("65536", 65_536),
        ("10B", 10),
        ("1kB", 1_000),
        ("1KiB", 1_024),
        ("64MiB", 64 << 20),
        ("64 mib", 64 << 20),
        ("2GB", 2_000_000_000),
        ("1.5GiB", 3 << 29),
        ("1TiB", 1 << 40),
    ],
)
def test_sizes_have_decimal_and_binary_units(text: str, size: int) -> None:
    assert units.parse_bytes("--max-body", text) == size


@pytest.mark.parametrize("text", ["", "64M", "MiB", "-1", "1e6", "64 apples", "64MiB2"])
def test_what_is_no_size_is_told_how_one_looks(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        units.parse_bytes("--max-body", text)
    assert str(caught.value) == f"--max-body={text}: must be a size in bytes, such as 65536, 64MiB or 2GB"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5", 1.5), ("500ms", 0.5), ("90s", 90), ("5m", 300), ("1h30m", 5_400), ("1d", 86_400), ("1m 1.5s", 61.5)],
)
def test_durations_have_units_and_are_seconds_without(text: str, seconds: float) -> None:
    assert units.parse_seconds("--drain", text) == seconds
    assert units.parse_seconds_or_none("--drain", text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5", "5 minutes", "5m!", "1e3", "nan", "inf"])
def test_what_is_no_duration_is_told_how_one_looks(text: str) -> None:
    told = f"--drain={text}: must be a duration, such as 90 (seconds), 90s, 5m or 1h30m"
    with pytest.raises(ConfigError) as caught:
        units.parse_seconds("--drain", text)
    assert str(caught.value) == told
    with pytest.raises(ConfigError) as caught:
        units.parse_seconds_or_none("--drain", text)
    assert str(caught.value) == f"{told}, or none"


def test_none_switches_a_bound_off_where_there_may_be_none() -> None:
    assert units.parse_seconds_or_none("--max-wait", "none") is None
    assert units.parse_whole_or_none("--max-queue", "None") is None
    assert units.parse_whole_or_none("--max-queue", " 12 ") == 12
    with pytest.raises(ConfigError, match=r"--max-queue=-1: must be a whole number, at least 0, or none"):
        units.parse_whole_or_none("--max-queue", "-1")


@pytest.mark.parametrize("size", [0, 1, 1_000, 1_024, 65_536, 64 << 20, 3 << 30, (64 << 20) + 1])
def test_a_size_that_is_shown_can_be_given_back(size: int) -> None:
    assert units.parse_bytes("--x", units.bytes_text(size)) == size


@pytest.mark.parametrize("seconds", [None, 0, 0.25, 1, 59, 60, 90, 180, 1_800, 3_600])
def test_a_duration_that_is_shown_can_be_given_back(seconds: float | None) -> None:
    assert units.parse_seconds_or_none("--x", units.seconds_text(seconds)) == seconds


def test_what_is_shown_is_short() -> None:
    assert [units.bytes_text(64 << 20), units.bytes_text(1_000), units.seconds_text(1_800), units.seconds_text(None)] == [
        "64MiB",
        "1000",
        "30m",
        "none",
    ]
