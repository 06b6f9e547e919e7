import unittest
from datetime import date

from workdays import Calendar, add_business_days, business_days_between, monthly_schedule, roll

CAL = Calendar(holidays=[date(2023, 5, 1), date(2023, 12, 25), date(2023, 12, 26)])


class Rolling(unittest.TestCase):
    def test_business_day_stays(self):
        for convention in ("unadjusted", "following", "preceding", "modified-following", "modified-preceding"):
            self.assertEqual(roll(date(2023, 4, 28), CAL, convention), date(2023, 4, 28))  # Friday

    def test_plain_conventions(self):
        saturday = date(2023, 4, 29)
        self.assertEqual(roll(saturday, CAL, "following"), date(2023, 5, 2))
        self.assertEqual(roll(saturday, CAL, "preceding"), date(2023, 4, 28))

    def test_modified_conventions(self):
        self.assertEqual(roll(date(2023, 4, 30), CAL, "modified-following"), date(2023, 4, 28))  # Sunday
        self.assertEqual(roll(date(2023, 5, 1), CAL, "modified-preceding"), date(2023, 5, 2))  # holiday
        self.assertEqual(roll(date(2023, 4, 15), CAL, "modified-following"), date(2023, 4, 17))  # Saturday

    def test_unknown_convention(self):
        with self.assertRaisesRegex(ValueError, "nearest"):
            roll(date(2023, 4, 30), CAL, "nearest")


class Arithmetic(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add_business_days(date(2023, 4, 28), 1, CAL), date(2023, 5, 2))
        self.assertEqual(add_business_days(date(2023, 5, 2), -2, CAL), date(2023, 4, 27))
        self.assertEqual(add_business_days(date(2023, 12, 24), 1, CAL), date(2023, 12, 27))  # Sunday

    def test_between(self):
        self.assertEqual(business_days_between(date(2023, 4, 28), date(2023, 5, 3), CAL), 2)
        self.assertEqual(business_days_between(date(2023, 5, 3), date(2023, 4, 28), CAL), -2)


class Schedule(unittest.TestCase):
    def test_day_31(self):
        dates = monthly_schedule(date(2023, 1, 31), 4, CAL)
        self.assertEqual([d.day for d in dates], [31, 28, 31, 28])
        self.assertEqual([d.month for d in dates], [1, 2, 3, 4])

    def test_end_of_month(self):
        dates = monthly_schedule(date(2023, 2, 28), 3, CAL, end_of_month=True)
        self.assertEqual([d.day for d in dates], [28, 31, 28])


if __name__ == "__main__":
    unittest.main()
