import unittest
from decimal import Decimal as D

from tally import Journal, allocate, split_entry


class AllocateTest(unittest.TestCase):
    def check(self, amount, weights, expected, places=2):
        self.assertEqual(allocate(D(amount), weights, places), [D(text) for text in expected.split()])

    def test_issue(self):
        self.check("0.05", [1, 1], "0.03 0.02")
        self.check("20.00", [1, 1, 1], "6.67 6.67 6.66")
        self.check("-10.00", [1, 1, 1], "-3.34 -3.33 -3.33")
        self.check("10.00", [1, 1, 1], "3.34 3.33 3.33")
        self.check("-20.00", [1, 1, 1], "-6.67 -6.67 -6.66")

    def test_several_units_are_spread(self):
        self.check("1.00", [1] * 7, "0.15 0.15 0.14 0.14 0.14 0.14 0.14")
        self.check("-1.00", [1] * 7, "-0.15 -0.15 -0.14 -0.14 -0.14 -0.14 -0.14")
        self.check("0.06", [1] * 11, "0.01 0.01 0.01 0.01 0.01 0.01 0 0 0 0 0")
        self.check("0.05", [1] * 6, "0.01 0.01 0.01 0.01 0.01 0")

    def test_weight_zero_gets_nothing(self):
        self.check("0.05", [0, 1, 0, 1], "0 0.03 0 0.02")
        self.check("20.00", [1, 1, 1, 0], "6.67 6.67 6.66 0")
        self.check("-0.05", [1, 1, 0], "-0.03 -0.02 0")

    def test_no_decimals(self):
        self.check("5", [1, 1], "3 2", places=0)
        self.check("-1000", [1, 1, 1], "-334 -333 -333", places=0)

    def test_properties(self):
        for cents in [*range(-40, 41), 1999, 2000, 2001, -12345]:
            amount = D(cents) / 100
            for weights in ([1, 1], [1, 2, 3], [5, 0, 1, 1], [1] * 9, [D("0.5"), D("0.25"), D("0.25")]):
                shares = allocate(amount, weights)
                self.assertEqual(sum(shares), amount)
                for share, weight in zip(shares, weights):
                    exact = amount * weight / sum(weights)
                    self.assertLessEqual(abs(share - exact), D("0.01"), (amount, weights, shares))
                self.assertEqual(allocate(-amount, weights), [-share for share in shares])


class JournalTest(unittest.TestCase):
    def test_entries_are_balanced(self):
        journal = Journal()
        for text in ("0.05", "20.00", "-10.00", "-0.01", "100.03"):
            journal.post(split_entry("x", "cash", D(text), {"a": 1, "b": 1, "c": 1}))
        self.assertEqual(sum(journal.balances().values()), 0)
        self.assertEqual(journal.balance("cash"), D("-110.07"))


if __name__ == "__main__":
    unittest.main()
