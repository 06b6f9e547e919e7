import unittest

from metrica import UnitError, convert, format_quantity, is_compatible
from metrica.parser import parse


class ParserTest(unittest.TestCase):
    def test_factors(self):
        self.assertEqual(parse("kg*m/s^2"), [("kg", 1), ("m", 1), ("s", -2)])
        self.assertEqual(parse("J/g/K"), [("J", 1), ("g", -1), ("K", -1)])
        self.assertEqual(parse("s^-1"), [("s", -1)])

    def test_errors(self):
        for text in ("", "m^", "m//s", "m s", "3m"):
            with self.assertRaises(UnitError):
                parse(text)


class ConvertTest(unittest.TestCase):
    def check(self, value, source, target, expected):
        self.assertAlmostEqual(convert(value, source, target), expected, places=9)

    def test_simple(self):
        self.check(1.5, "km", "m", 1500)
        self.check(2, "ft", "in", 24)
        self.check(250, "g", "kg", 0.25)
        self.check(3, "min", "s", 180)

    def test_compound(self):
        self.check(90, "km/h", "m/s", 25)
        self.check(2, "ft^2", "in^2", 288)
        self.check(3, "ha", "m^2", 30000)
        self.check(1, "kWh", "kJ", 3600)

    def test_temperature(self):
        self.check(100, "degC", "degF", 212)
        self.check(0, "K", "degC", -273.15)
        with self.assertRaises(UnitError):
            convert(1, "J/degC", "J/K")

    def test_compatible(self):
        self.assertTrue(is_compatible("N", "kg*m/s^2"))
        self.assertFalse(is_compatible("N", "J"))

    def test_prefix_rules(self):
        for symbol in ("kft", "kkm", "xm"):
            with self.assertRaises(UnitError):
                convert(1, symbol, "m")

    def test_format(self):
        self.assertEqual(format_quantity(1500, "m", "km"), "1.5 km")
        self.assertEqual(format_quantity(1 / 3, "s"), "0.333333 s")
