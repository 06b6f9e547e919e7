import unittest

from cellcalc import describe, evaluate, parse


class SignAndPower(unittest.TestCase):
    def check(self, formula, value, **variables):
        with self.subTest(formula):
            self.assertEqual(evaluate(formula, variables), value)

    def test_sign_before_power(self):
        self.check("-2^2", -4)
        self.check("0 + -3^2", -9)
        self.check("-rate^2", -25, rate=5)
        self.check("2 * -3^2", -18)
        self.check("+2^2", 4)
        self.check("--2^2", 4)

    def test_parentheses_win(self):
        self.check("(-2)^2", 4)
        self.check("(-rate)^2", 25, rate=5)
        self.check("(-2)^3^2", -512)

    def test_sign_in_exponent(self):
        self.check("2^-1", 0.5)
        self.check("-2^-2", -0.25)
        self.check("2^-1*4", 2)
        self.check("2^3^2", 512)

    def test_sign_is_stronger_than_products(self):
        self.check("-7 % 3", 2)
        self.check("-2 + 3", 1)
        self.check("-2 * 3 + 1", -5)
        self.assertEqual(describe(parse("-a * b")), "((-a) * b)")
        self.assertEqual(describe(parse("-a % b")), "((-a) % b)")

    def test_reading_of_power(self):
        self.assertEqual(describe(parse("-a^b")), "(-(a ^ b))")
        self.assertEqual(describe(parse("a^-b^c")), "(a ^ (-(b ^ c)))")


if __name__ == "__main__":
    unittest.main()
