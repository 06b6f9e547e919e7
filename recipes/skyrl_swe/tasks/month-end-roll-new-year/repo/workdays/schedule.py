"""Regular payment dates."""

from calendar import monthrange
from datetime import date

from .calendars import Calendar
from .rolling import roll


def last_day_of_month(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def add_months(day: date, months: int) -> date:
    """The same day ``months`` later, or the last day of a shorter month.

    >>> add_months(date(2023, 1, 31), 1)
    datetime.date(2023, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = last_day_of_month(year, month + 1)
    return last if day.day > last.day else last.replace(day=day.day)


def monthly_schedule(
    start: date,
    count: int,
    cal: Calendar,
    convention: str = "modified-following",
    end_of_month: bool = False,
) -> list[date]:
    """``count`` rolled dates, the first in the month of ``start``."""
    dates = []
    for number in range(count):
        day = add_months(start, number)
        if end_of_month:
            day = last_day_of_month(day.year, day.month)
        dates.append(roll(day, cal, convention))
    return dates
