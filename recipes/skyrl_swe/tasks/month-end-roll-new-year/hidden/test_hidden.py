import unittest
from datetime import date, timedelta

from workdays import Calendar, add_business_days, monthly_schedule, roll

CAL = Calendar(holidays=[date(2023, 1, 2)])


class TurnOfTheYear(unittest.TestCase):
    def test_modified_following(self):
        self.assertEqual(roll(date(2022, 12, 31), CAL, "modified-following"), date(2022, 12, 30))
        self.assertEqual(roll(date(2023, 12, 31), CAL, "modified-following"), date(2023, 12, 29))
        self.assertEqual(roll(date(2022, 12, 24), CAL, "modified-following"), date(2022, 12, 26))

    def test_modified_preceding(self):
        self.assertEqual(roll(date(2023, 1, 1), CAL, "modified-preceding"), date(2023, 1, 3))
        self.assertEqual(roll(date(2022, 1, 1), CAL, "modified-preceding"), date(2022, 1, 3))
        self.assertEqual(roll(date(2023, 1, 2), CAL, "modified-preceding"), date(2023, 1, 3))
        self.assertEqual(roll(date(2023, 1, 8), CAL, "modified-preceding"), date(2023, 1, 6))

    def test_plain_conventions_may_leave_the_year(self):
        self.assertEqual(roll(date(2022, 12, 31), CAL, "following"), date(2023, 1, 3))
        self.assertEqual(roll(date(2023, 1, 1), CAL, "preceding"), date(2022, 12, 30))
        self.assertEqual(add_business_days(date(2022, 12, 30), 1, CAL), date(2023, 1, 3))
        self.assertEqual(roll(date(2022, 12, 31), CAL, "unadjusted"), date(2022, 12, 31))

    def test_modified_never_leaves_the_month(self):
        day = date(2021, 1, 1)
        while day.year < 2025:
            for convention in ("modified-following", "modified-preceding"):
                rolled = roll(day, CAL, convention)
                self.assertEqual((rolled.year, rolled.month), (day.year, day.month), (day, convention))
                self.assertTrue(CAL.is_business_day(rolled))
            day += timedelta(days=1)

    def test_other_month_ends(self):
        self.assertEqual(roll(date(2023, 4, 30), CAL, "modified-following"), date(2023, 4, 28))
        self.assertEqual(roll(date(2023, 10, 1), CAL, "modified-preceding"), date(2023, 10, 2))

    def test_schedules(self):
        months = [(2022, 11), (2022, 12), (2023, 1), (2023, 2)]
        ends = monthly_schedule(date(2022, 11, 30), 4, CAL, end_of_month=True)
        self.assertEqual([(d.year, d.month) for d in ends], months)
        starts = monthly_schedule(date(2022, 11, 1), 4, CAL, "modified-preceding")
        self.assertEqual([(d.year, d.month) for d in starts], months)
        plain = monthly_schedule(date(2022, 12, 31), 1, CAL, "following")
        self.assertEqual(plain, [date(2023, 1, 3)])


if __name__ == "__main__":
    unittest.main()
