"""Add and count business days."""

from datetime import date

from .calendars import ONE_DAY, Calendar
from .rolling import roll


def add_business_days(day: date, count: int, cal: Calendar) -> date:
    """The business day that is ``count`` business days after ``day``.

    A start that is not a business day is first rolled against the direction of
    counting, so that the first step lands on the next business day. With a
    count of zero it is rolled forward.
    """
    if count == 0:
        return roll(day, cal, "following")
    step = ONE_DAY if count > 0 else -ONE_DAY
    day = roll(day, cal, "preceding" if count > 0 else "following")
    for _ in range(abs(count)):
        day += step
        while not cal.is_business_day(day):
            day += step
    return day


def business_days_between(first: date, last: date, cal: Calendar) -> int:
    """Business days from ``first`` (included) to ``last`` (excluded)."""
    if last < first:
        return -business_days_between(last, first, cal)
    count = 0
    while first < last:
        count += cal.is_business_day(first)
        first += ONE_DAY
    return count
