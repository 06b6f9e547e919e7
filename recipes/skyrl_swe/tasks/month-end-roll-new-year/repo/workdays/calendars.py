"""Which days are business days."""

from collections.abc import Iterable
from datetime import date, timedelta

ONE_DAY = timedelta(days=1)
SATURDAY, SUNDAY = 5, 6


class Calendar:
    """A weekend and a set of holidays.

    ``weekend`` holds the numbers of ``date.weekday()``. A calendar without any
    business day in the week is rejected, since a search would never end.
    """

    def __init__(self, holidays: Iterable[date] = (), weekend: Iterable[int] = (SATURDAY, SUNDAY)):
        self.holidays = frozenset(holidays)
        self.weekend = frozenset(weekend)
        if self.weekend >= set(range(7)):
            raise ValueError("a week needs at least one business day")

    def is_business_day(self, day: date) -> bool:
        return day.weekday() not in self.weekend and day not in self.holidays

    def __or__(self, other: "Calendar") -> "Calendar":
        """The days on which both calendars are open.

        >>> both = Calendar(weekend=[4, 5]) | Calendar()
        >>> sorted(both.weekend)
        [4, 5, 6]
        """
        return Calendar(self.holidays | other.holidays, self.weekend | other.weekend)

    def __repr__(self) -> str:
        return f"Calendar({len(self.holidays)} holidays, weekend={sorted(self.weekend)})"
