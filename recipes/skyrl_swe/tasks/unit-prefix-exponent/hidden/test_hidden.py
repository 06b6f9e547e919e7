import unittest

from metrica import UnitError, convert, format_quantity


class PrefixExponentTest(unittest.TestCase):
    def check(self, value, source, target, expected):
        got = convert(value, source, target)
        self.assertLess(abs(got - expected), 1e-9 * abs(expected), f"{got} != {expected}")

    def test_squares_and_cubes(self):
        self.check(1, "km^2", "m^2", 1e6)
        self.check(1, "cm^3", "mm^3", 1000)
        self.check(5, "m^2", "cm^2", 50000)
        self.check(1, "dm^3", "l", 1)

    def test_prefix_behind_slash(self):
        self.check(1, "m/ms", "m/s", 1000)
        self.check(1, "N/mm", "N/m", 1000)

    def test_density(self):
        self.check(1, "g/cm^3", "kg/m^3", 1000)
        self.check(1000, "kg/m^3", "g/ml", 1)

    def test_pressure(self):
        self.check(1, "N/mm^2", "MPa", 1)
        self.check(1, "kN/cm^2", "Pa", 1e7)

    def test_negative_exponent(self):
        self.check(1, "ms^-1", "s^-1", 1000)
        self.check(1, "km^-2", "m^-2", 1e-6)
        self.check(1, "m/s^-1", "m*s", 1)

    def test_acceleration(self):
        self.check(1, "km/ms^2", "m/s^2", 1e9)

    def test_grams(self):
        self.check(1, "g^2", "kg^2", 1e-6)
        self.check(1, "kg^2", "g^2", 1e6)
        self.check(4184, "J/kg/K", "J/g/K", 4.184)

    def test_flow_rate(self):
        self.check(60, "ml/min", "l/h", 3.6)

    def test_still_right(self):
        self.check(90, "km/h", "m/s", 25)
        self.check(1, "ft^2", "in^2", 144)
        self.check(1, "km", "mi", 1 / 1.609344)
        self.check(1, "kWh", "MJ", 3.6)
        with self.assertRaises(UnitError):
            convert(1, "kft^2", "m^2")

    def test_exponent_zero(self):
        self.check(1, "m*km^0", "cm", 100)

    def test_format(self):
        self.assertEqual(format_quantity(2.5, "km^2", "ha"), "250 ha")


if __name__ == "__main__":
    unittest.main()
