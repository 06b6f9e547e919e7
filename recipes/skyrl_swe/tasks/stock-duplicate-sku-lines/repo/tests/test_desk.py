import unittest

from stockroom import (
    DuplicateOrder, Ledger, Line, OutOfStock, Reservations, UnknownOrder, UnknownSku,
    stock_report,
)


class DeskTest(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger({"MUG": 5, "TEA": 40})
        self.desk = Reservations(self.ledger, hold_seconds=60)

    def test_reserve_and_confirm(self):
        self.desk.reserve("A", [Line("MUG", 2), Line("TEA", 1)], now=0)
        self.assertEqual(self.ledger.available("MUG"), 3)
        self.assertEqual(self.ledger.on_hand("MUG"), 5)
        self.desk.confirm("A", now=30)
        self.assertEqual((self.ledger.on_hand("MUG"), self.ledger.held("MUG")), (3, 0))

    def test_refused_order_leaves_no_trace(self):
        with self.assertRaises(OutOfStock) as caught:
            self.desk.reserve("A", [Line("TEA", 1), Line("MUG", 6)], now=0)
        self.assertEqual(str(caught.exception), "MUG: 6 wanted, 5 available")
        self.assertEqual(self.ledger.held("TEA"), 0)
        self.assertEqual(self.desk.open_orders(), [])

    def test_unknown_sku(self):
        with self.assertRaises(UnknownSku):
            self.desk.reserve("A", [Line("TEA", 1), Line("CUP", 1)], now=0)
        self.assertEqual(self.ledger.held("TEA"), 0)

    def test_cancel(self):
        self.desk.reserve("A", [Line("MUG", 5)], now=0)
        self.desk.cancel("A")
        self.assertEqual(self.ledger.available("MUG"), 5)
        with self.assertRaises(UnknownOrder):
            self.desk.cancel("A")

    def test_order_number_is_taken(self):
        self.desk.reserve("A", [Line("MUG", 1)], now=0)
        with self.assertRaises(DuplicateOrder):
            self.desk.reserve("A", [Line("MUG", 1)], now=60)
        self.desk.reserve("A", [Line("MUG", 1)], now=61)

    def test_expired_goods_can_be_reserved(self):
        self.desk.reserve("A", [Line("MUG", 5)], now=0)
        self.desk.reserve("B", [Line("MUG", 5)], now=61)
        self.assertEqual(self.desk.open_orders(), ["B"])

    def test_report(self):
        self.desk.reserve("A", [Line("MUG", 4)], now=0)
        first = stock_report(self.ledger).splitlines()[0]
        self.assertTrue(first.startswith("MUG") and first.endswith("1 available LOW"))
