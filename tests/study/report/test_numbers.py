from __future__ import annotations

import pytest

from thunderagent.study.report.numbers import number_text, shorten, slug, spread_text, tick_text, unit_text, value_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.02, "0.02"),
        (12.34, "12.3"),
        (86.98, "87.0"),
        (400.0, "400"),
        (900.0, "900"),
        (999.7, "1,000"),
        (2_965.2, "2,965"),
        (9_999.9, "10.0k"),
        (270_000.0, "270k"),
        (999_900.0, "1.00M"),
        (7_233_962.0, "7.23M"),
        (-1_500_000.0, "-1.50M"),
        (1e300, "1.0e+300"),
    ],
)
def test_numbers_have_the_digits_that_count(value: float, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1_500_000.0, "1.5M"), (25e6, "25M"), (1_250_000.0, "1.25M"), (0.5, "0.5"), (300_000.0, "300k"), (2.25, "2.25")],
)
def test_ticks_have_no_zeros_at_the_end(value: float, text: str) -> None:
    assert tick_text(value) == text


def test_shares_are_per_cent_and_ratios_are_multiples() -> None:
    assert value_text("hit_rate", 0.8771) == "87.7%"
    assert value_text("ratio", 2.6) == "2.60x"


def test_a_unit_is_said_once() -> None:
    assert unit_text("wait_max_s", 90.0) == "90 s"
    assert unit_text("programs_refused", 0.0) == "0"
    assert spread_text("hit_rate", 0.81, 0.9) == "81.0\N{EN DASH}90.0%"
    assert spread_text("hit_rate", 0.81, 0.81) == ""


def test_long_names_keep_their_beginning_and_their_end() -> None:
    assert shorten("program-of-somebody-17", 12) == "program-…-17"
    assert shorten("swe", 12) == "swe"


def test_names_become_one_printable_line() -> None:
    assert shorten("a\nb\x00c\ud800", 10) == "a?b?c?"


def test_names_of_files_are_safe() -> None:
    assert slug("../../etc/Pass wd") == "etc-pass-wd"
    assert slug("…") == "unnamed"
    assert len(slug("x" * 500)) <= 40
