from __future__ import annotations

import unittest

from shop.price import total


class TotalTest(unittest.TestCase):
    def test_prices_are_added(self) -> None:
        self.assertEqual(total(["9.99", "0.01"]), "10.00")

    def test_a_discount_is_taken_off(self) -> None:
        self.assertEqual(total(["10.00"], 25), "7.50")
