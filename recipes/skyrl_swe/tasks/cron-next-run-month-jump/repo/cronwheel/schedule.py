"""A parsed cron expression."""

from dataclasses import dataclass

from . import fields
from .fields import CronError


@dataclass(frozen=True)
class Schedule:
    """Sets of allowed values, one for each field of the expression."""

    minutes: frozenset
    hours: frozenset
    days: frozenset
    months: frozenset
    weekdays: frozenset
    any_day: bool
    any_weekday: bool

    @classmethod
    def parse(cls, expression):
        """Build a schedule from text such as ``"0 6 * * mon-fri"``."""
        parts = expression.split()
        if len(parts) != 5:
            raise CronError(f"expected 5 fields, got {len(parts)}: {expression!r}")
        minute, hour, day, month, weekday = parts
        weekdays = fields.WEEKDAY.parse(weekday)
        return cls(
            minutes=fields.MINUTE.parse(minute),
            hours=fields.HOUR.parse(hour),
            days=fields.DAY.parse(day),
            months=fields.MONTH.parse(month),
            weekdays=frozenset(value % 7 for value in weekdays),
            any_day=day == "*",
            any_weekday=weekday == "*",
        )

    def matches_day(self, moment):
        """Apply the either-or rule of the two day fields."""
        by_day = moment.day in self.days
        by_weekday = moment.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday
