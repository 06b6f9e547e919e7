import unittest

from stockroom import Ledger, Line, OutOfStock, Reservations, UnknownSku


class SameSkuTest(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger({"MUG": 5, "TEA": 40})
        self.desk = Reservations(self.ledger, hold_seconds=60)

    def held(self):
        return self.ledger.held("MUG"), self.ledger.held("TEA")

    def test_sum_is_refused(self):
        with self.assertRaises(OutOfStock):
            self.desk.reserve("A", [Line("MUG", 3), Line("MUG", 4)], now=0)
        self.assertEqual(self.ledger.available("MUG"), 5)
        self.assertEqual(self.desk.open_orders(), [])

    def test_refused_order_leaves_no_trace(self):
        lines = [Line("TEA", 2), Line("MUG", 3), Line("TEA", 1), Line("MUG", 3)]
        with self.assertRaises(OutOfStock) as caught:
            self.desk.reserve("A", lines, now=0)
        self.assertEqual(caught.exception.sku, "MUG")
        self.assertEqual(self.held(), (0, 0))
        self.desk.reserve("A", lines[:3], now=0)
        self.assertEqual(self.held(), (3, 3))

    def test_sum_that_fits_is_held_in_full(self):
        self.desk.reserve("A", [Line("MUG", 2), Line("MUG", 3)], now=0)
        self.assertEqual(self.ledger.available("MUG"), 0)

    def test_lines_are_kept_as_they_came(self):
        lines = [Line("MUG", 1), Line("TEA", 4), Line("MUG", 2)]
        self.desk.reserve("A", lines, now=0)
        self.assertEqual(list(self.desk.confirm("A", now=1)), lines)
        self.assertEqual(self.ledger.on_hand("MUG"), 2)
        self.assertEqual(self.held(), (0, 0))

    def test_generator_of_lines(self):
        self.desk.reserve("A", (Line("MUG", n) for n in (1, 1, 1)), now=0)
        self.assertEqual(self.ledger.held("MUG"), 3)
        with self.assertRaises(OutOfStock):
            self.desk.reserve("B", (Line("MUG", n) for n in (1, 1, 1)), now=0)
        self.assertEqual(self.ledger.held("MUG"), 3)

    def test_cancel_and_expire_release_the_sum(self):
        self.desk.reserve("A", [Line("MUG", 2), Line("MUG", 2)], now=0)
        self.desk.cancel("A")
        self.assertEqual(self.held(), (0, 0))
        self.desk.reserve("B", [Line("MUG", 2), Line("MUG", 2)], now=0)
        self.assertEqual(self.desk.expire(61), ["B"])
        self.assertEqual(self.held(), (0, 0))

    def test_unknown_article_still_refused(self):
        with self.assertRaises(UnknownSku):
            self.desk.reserve("A", [Line("MUG", 1), Line("CUP", 1), Line("CUP", 1)], now=0)
        self.assertEqual(self.held(), (0, 0))


if __name__ == "__main__":
    unittest.main()
