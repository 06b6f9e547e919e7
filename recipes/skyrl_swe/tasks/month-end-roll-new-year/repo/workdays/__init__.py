"""Business-day arithmetic without times and time zones."""

from .arithmetic import add_business_days, business_days_between
from .calendars import Calendar
from .rolling import CONVENTIONS, roll
from .schedule import add_months, monthly_schedule

__all__ = [
    "CONVENTIONS",
    "Calendar",
    "add_business_days",
    "add_months",
    "business_days_between",
    "monthly_schedule",
    "roll",
]
__version__ = "0.4"
