import unittest
from datetime import datetime

from cronwheel import Schedule, next_run, upcoming
from cronwheel import clock


class MonthJumpTest(unittest.TestCase):
    def check(self, text, after, expected):
        self.assertEqual(next_run(Schedule.parse(text), after), expected)

    def test_afternoon_start(self):
        self.check("0 6 1 4,7,10 *", datetime(2024, 3, 10, 14, 30), datetime(2024, 4, 1, 6))

    def test_single_month(self):
        self.check("0 6 1 4 *", datetime(2024, 3, 10, 14, 30), datetime(2024, 4, 1, 6))

    def test_minutes_after_midnight(self):
        self.check("15 0 1 4 *", datetime(2024, 3, 10, 0, 30), datetime(2024, 4, 1, 0, 15))
        self.check("15 0 1 4 *", datetime(2024, 3, 10, 14, 30), datetime(2024, 4, 1, 0, 15))

    def test_over_new_year(self):
        self.check("5 0 1 1 *", datetime(2023, 12, 31, 23, 50), datetime(2024, 1, 1, 0, 5))
        self.check("5 0 1 2 *", datetime(2023, 12, 30, 9, 45, 12), datetime(2024, 2, 1, 0, 5))

    def test_every_minute_of_a_month(self):
        self.check("* * * 6 *", datetime(2024, 5, 20, 17, 42), datetime(2024, 6, 1))

    def test_weekday_in_month(self):
        self.check("0 9 * 9 mon", datetime(2025, 8, 15, 20, 5), datetime(2025, 9, 1, 9))

    def test_upcoming_has_no_gap(self):
        runs = upcoming(Schedule.parse("0 6 1 4,7,10 *"), datetime(2024, 3, 10, 14, 30), count=4)
        self.assertEqual([(run.year, run.month) for run in runs],
                         [(2024, 4), (2024, 7), (2024, 10), (2025, 4)])

    def test_day_31_start(self):
        self.check("59 23 28 2 *", datetime(2024, 12, 31, 23, 59, 59), datetime(2025, 2, 28, 23, 59))

    def test_other_jumps_unchanged(self):
        start = datetime(2024, 2, 28, 23, 10)
        self.assertEqual(clock.next_day(start), datetime(2024, 2, 29))
        self.assertEqual(clock.next_hour(start), datetime(2024, 2, 29))
        self.check("10 23 * * *", datetime(2024, 2, 28, 23, 9), start)


if __name__ == "__main__":
    unittest.main()
