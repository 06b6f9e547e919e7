"""Jumps through calendar time.

Every function takes a datetime and returns a later one. They know nothing about
cron; runner.py picks the jump that is safe for the field that did not match.
"""

from datetime import timedelta

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def next_minute(moment):
    """The following full minute."""
    return moment.replace(second=0, microsecond=0) + MINUTE


def next_hour(moment):
    """Minute zero of the following hour."""
    return moment.replace(minute=0, second=0, microsecond=0) + HOUR


def next_day(moment):
    """Midnight at the start of the following day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + DAY


def next_month(moment):
    """The first day of the following month."""
    if moment.month == 12:
        return moment.replace(year=moment.year + 1, month=1, day=1)
    return moment.replace(month=moment.month + 1, day=1)
