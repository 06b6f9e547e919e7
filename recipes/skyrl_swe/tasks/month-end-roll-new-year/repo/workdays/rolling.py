"""Move dates that are not business days."""

from datetime import date

from .calendars import ONE_DAY, Calendar


def following(day: date, cal: Calendar) -> date:
    while not cal.is_business_day(day):
        day += ONE_DAY
    return day


def preceding(day: date, cal: Calendar) -> date:
    while not cal.is_business_day(day):
        day -= ONE_DAY
    return day


def modified_following(day: date, cal: Calendar) -> date:
    """Like following, but stay in the month of ``day``."""
    rolled = following(day, cal)
    if rolled.month > day.month:
        return preceding(day, cal)
    return rolled


def modified_preceding(day: date, cal: Calendar) -> date:
    """Like preceding, but stay in the month of ``day``."""
    rolled = preceding(day, cal)
    if rolled.month < day.month:
        return following(day, cal)
    return rolled


CONVENTIONS = {
    "unadjusted": lambda day, cal: day,
    "following": following,
    "preceding": preceding,
    "modified-following": modified_following,
    "modified-preceding": modified_preceding,
}


def roll(day: date, cal: Calendar, convention: str = "following") -> date:
    """Move ``day`` to a business day of ``cal``, see the README for the conventions."""
    try:
        move = CONVENTIONS[convention]
    except KeyError:
        raise ValueError(f"unknown convention {convention!r}") from None
    return move(day, cal)
