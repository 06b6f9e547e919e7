import unittest

from cellcalc import FormulaError, compile_formula, describe, evaluate, parse


class EvaluateTest(unittest.TestCase):
    def test_precedence_of_the_four_operations(self):
        self.assertEqual(evaluate("2 + 3 * 4"), 14)
        self.assertEqual(evaluate("(2 + 3) * 4"), 20)
        self.assertEqual(evaluate("20 - 5 - 3"), 12)

    def test_power_groups_to_the_right(self):
        self.assertEqual(evaluate("2^3^2"), 512)
        self.assertEqual(evaluate("3 * 2^2"), 12)

    def test_sign(self):
        self.assertEqual(evaluate("-2 + 3"), 1)
        self.assertEqual(evaluate("3 * -4"), -12)
        self.assertEqual(evaluate("2^-1"), 0.5)
        self.assertEqual(evaluate("-7 % 3"), 2)

    def test_variables_and_functions(self):
        price = compile_formula("round(net * (1 + vat / 100), 2)")
        self.assertEqual(price({"net": 9.99, "vat": 20}), 11.99)
        self.assertEqual(evaluate("if(a > 0, sqrt(a), 1 / 0)", {"a": 9}), 3)


class ParseTest(unittest.TestCase):
    def test_describe(self):
        self.assertEqual(describe(parse("a - b - 1")), "((a - b) - 1)")
        self.assertEqual(describe(parse("max(1, -x)")), "max(1, (-x))")

    def test_errors_have_a_position(self):
        with self.assertRaises(FormulaError) as caught:
            parse("1 + * 2")
        self.assertEqual(caught.exception.position, 4)

    def test_division_by_zero(self):
        with self.assertRaises(FormulaError):
            evaluate("1 / 0")


if __name__ == "__main__":
    unittest.main()
