import unittest
from decimal import Decimal as D

from tally import Entry, Journal, Posting, UnbalancedEntry, allocate, format_amount, round_amount, split_entry, to_amount


class MoneyTest(unittest.TestCase):
    def test_rounding_is_half_up(self):
        self.assertEqual(round_amount("0.125"), D("0.13"))
        self.assertEqual(round_amount("2.5", places=0), D("3"))

    def test_floats_are_rejected(self):
        with self.assertRaises(TypeError):
            to_amount(0.1)

    def test_format(self):
        self.assertEqual(format_amount(D("-1234.5")), "(1,234.50)")


class AllocateTest(unittest.TestCase):
    def test_even_split(self):
        self.assertEqual(allocate(D("900.00"), [2, 1]), [D("600.00"), D("300.00")])

    def test_remaining_cents_go_to_the_first(self):
        self.assertEqual(allocate(D("10.00"), [1, 1, 1]), [D("3.34"), D("3.33"), D("3.33")])
        self.assertEqual(allocate(D("1.00"), [0, 1, 1, 1]), [D("0"), D("0.34"), D("0.33"), D("0.33")])

    def test_bad_arguments(self):
        for amount, weights in ((D("0.001"), [1]), (D("1"), [0, 0]), (D("1"), [2, -1])):
            with self.assertRaises(ValueError):
                allocate(amount, weights)


class JournalTest(unittest.TestCase):
    def test_split_entry(self):
        journal = Journal()
        journal.post(split_entry("rent", "bank", D("900.00"), {"office": 2, "store": 1}))
        self.assertEqual(journal.balances(), {"bank": D("-900"), "office": D("600"), "store": D("300")})

    def test_unbalanced_entry_is_refused(self):
        journal = Journal()
        with self.assertRaises(UnbalancedEntry):
            journal.post(Entry("oops", (Posting("a", D("1.00")), Posting("b", D("-0.99")))))
        self.assertEqual(len(journal), 0)

    def test_trial_balance(self):
        journal = Journal()
        journal.post(split_entry("rent", "bank", D("1900.00"), {"office": 1}))
        self.assertEqual(journal.trial_balance().splitlines()[-1].split(), ["total", "0.00"])


if __name__ == "__main__":
    unittest.main()
