"""What is tried again, when, and how many at once."""

from __future__ import annotations

import pytest

from thunderagent.adapters.gateway.retry import RETRIED_STATUSES, goes_elsewhere, may_retry, most_retries, parse_retry_after
from thunderagent.adapters.gateway.settings import GatewaySettings

SETTINGS = GatewaySettings()
NOON = 1_781_006_400.0
"""Tue, 09 Jun 2026 12:00:00 GMT."""


def longest() -> float:
    return 1.0


@pytest.mark.parametrize("status", [None, 408, 429, 500, 502, 503, 504])
def test_what_another_try_may_heal_is_tried_again(status: int | None) -> None:
    assert may_retry(status, 1, SETTINGS, deadline_left_s=100.0) is not None


def test_no_other_status_is_tried_again() -> None:
    for status in {*range(100, 600)} - RETRIED_STATUSES:
        assert may_retry(status, 1, SETTINGS, deadline_left_s=100.0) is None, status


def test_the_last_of_so_many_attempts_is_final() -> None:
    settings = GatewaySettings(attempts=3)
    assert [may_retry(503, attempt, settings, deadline_left_s=100.0) is None for attempt in (1, 2, 3)] == [False, False, True]
    assert may_retry(503, 1, GatewaySettings(attempts=1), deadline_left_s=100.0) is None


def test_waits_double_up_to_two_seconds_and_are_spread_from_zero_on() -> None:
    many = GatewaySettings(attempts=10)
    waits = [may_retry(None, attempt, many, deadline_left_s=100.0, draw=longest) for attempt in range(1, 9)]
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert may_retry(None, 5_000, GatewaySettings(attempts=10_000), deadline_left_s=100.0, draw=longest) == 2.0
    assert may_retry(None, 5, many, deadline_left_s=100.0, draw=lambda: 0.5) == 0.4
    assert may_retry(None, 5, many, deadline_left_s=100.0, draw=lambda: 0.0) == 0.0


def test_the_engines_own_wait_is_kept_and_the_jitter_comes_on_top() -> None:
    assert may_retry(429, 1, SETTINGS, deadline_left_s=100.0, retry_after_s=7.0, draw=lambda: 0.0) == 7.0
    assert may_retry(429, 1, SETTINGS, deadline_left_s=100.0, retry_after_s=7.0, draw=longest) == 7.05


def test_a_wait_that_would_use_up_the_deadline_is_not_begun() -> None:
    assert may_retry(429, 1, SETTINGS, deadline_left_s=7.0, retry_after_s=7.0) is None
    assert may_retry(None, 1, SETTINGS, deadline_left_s=0.05, draw=longest) is None
    assert may_retry(None, 1, SETTINGS, deadline_left_s=-1.0, draw=lambda: 0.0) is None


def test_the_first_retry_stays_where_the_cache_is_and_the_others_go_elsewhere() -> None:
    assert [goes_elsewhere(attempt) for attempt in (1, 2, 3)] == [False, True, True]


def test_a_fifth_of_what_is_in_flight_may_be_retries_and_three_at_least() -> None:
    assert [most_retries(n, SETTINGS) for n in (0, 10, 19, 20, 100)] == [3, 3, 3, 4, 20]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Tue, 09 Jun 2026 12:00:30 GMT", 30.0),
        ("Tue, 09 Jun 2026 12:00:30 -0000", 30.0),
        ("Tue, 09 Jun 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-3", None),
        ("nan", None),
        ("٣", None),
        ("9" * 400, 999_999_999.0),
        ("Tue, 99 Jun 2026 12:00:30 GMT", None),
        ("Tue, 09 Jun 99999999999999999999 12:00:30 GMT", None),
    ],
)
def test_the_header_is_a_number_of_seconds_or_a_date_and_nonsense_says_nothing(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, NOON) == seconds
