import unittest
from datetime import datetime

from cronwheel import CronError, NoRun, Schedule, next_run, upcoming


class ParseTest(unittest.TestCase):
    def test_steps_and_names(self):
        job = Schedule.parse("*/20 8-10 * jan,mar mon-fri")
        self.assertEqual(job.minutes, {0, 20, 40})
        self.assertEqual(job.hours, {8, 9, 10})
        self.assertEqual(job.months, {1, 3})
        self.assertEqual(job.weekdays, {1, 2, 3, 4, 5})

    def test_sunday_has_two_numbers(self):
        self.assertEqual(Schedule.parse("0 0 * * 7").weekdays, {0})

    def test_errors(self):
        for text in ("* * * *", "61 * * * *", "*/0 * * * *", "5-1 * * * *"):
            with self.assertRaises(CronError):
                Schedule.parse(text)


class NextRunTest(unittest.TestCase):
    def check(self, text, after, expected):
        self.assertEqual(next_run(Schedule.parse(text), after), expected)

    def test_strictly_later(self):
        self.check("0 * * * *", datetime(2024, 5, 3, 9), datetime(2024, 5, 3, 10))

    def test_weekend_is_skipped(self):
        self.check("30 2 * * mon-fri", datetime(2024, 5, 3, 12), datetime(2024, 5, 6, 2, 30))

    def test_either_day_field(self):
        self.check("0 0 13 * fri", datetime(2024, 5, 10, 1), datetime(2024, 5, 13))

    def test_month_list_from_midnight(self):
        self.check("0 6 1 4,7 *", datetime(2024, 3, 10), datetime(2024, 4, 1, 6))

    def test_leap_day(self):
        self.check("0 0 29 feb *", datetime(2021, 1, 31, 23, 59), datetime(2024, 2, 29))

    def test_impossible_day(self):
        with self.assertRaises(NoRun):
            next_run(Schedule.parse("0 0 30 2 *"), datetime(2024, 1, 1))

    def test_upcoming(self):
        runs = upcoming(Schedule.parse("0 0 31 * *"), datetime(2024, 1, 1), count=3)
        self.assertEqual([run.month for run in runs], [1, 3, 5])
