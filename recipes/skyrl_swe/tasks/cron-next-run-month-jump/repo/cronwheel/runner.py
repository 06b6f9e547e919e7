"""Find the moments at which a schedule fires."""

from . import clock

SEARCH_YEARS = 8


class NoRun(LookupError):
    """The schedule does not fire within the searched years."""


def next_run(schedule, after):
    """Return the first matching minute that is strictly later than ``after``."""
    moment = clock.next_minute(after)
    last_year = after.year + SEARCH_YEARS
    while moment.year <= last_year:
        if moment.month not in schedule.months:
            moment = clock.next_month(moment)
        elif not schedule.matches_day(moment):
            moment = clock.next_day(moment)
        elif moment.hour not in schedule.hours:
            moment = clock.next_hour(moment)
        elif moment.minute not in schedule.minutes:
            moment = clock.next_minute(moment)
        else:
            return moment
    raise NoRun(f"no run until the end of {last_year}")


def upcoming(schedule, after, count=5):
    """Return the next ``count`` runs as a list."""
    runs = []
    for _ in range(count):
        after = next_run(schedule, after)
        runs.append(after)
    return runs
