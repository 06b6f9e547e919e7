import itertools
import unittest

from pinwheel import PackageIndex, Requirement, Version, available_update, resolve

SPEC_ORDER = [
    "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
    "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
]


class PrecedenceTest(unittest.TestCase):
    def assert_order(self, texts):
        for low, high in itertools.combinations(map(Version.parse, texts), 2):
            self.assertTrue(low < high, f"{low} < {high}")
            self.assertTrue(high > low, f"{high} > {low}")
            self.assertNotEqual(low, high)

    def test_specification(self):
        self.assert_order(SPEC_ORDER)
        self.assertEqual([str(v) for v in sorted(map(Version.parse, reversed(SPEC_ORDER)))], SPEC_ORDER)

    def test_numeric_identifiers(self):
        self.assert_order(["2.0.0-rc.9", "2.0.0-rc.10", "2.0.0-rc.100"])
        self.assert_order(["2.0.0-9", "2.0.0-10"])

    def test_numeric_is_lower_than_text(self):
        self.assert_order(["1.0.0-1", "1.0.0-99", "1.0.0-A", "1.0.0-a"])
        self.assert_order(["1.0.0-rc.12", "1.0.0-rc.1a", "1.0.0-rc.a"])
        self.assert_order(["1.0.0-5", "1.0.0--x"])

    def test_mixed_identifiers_are_text(self):
        self.assert_order(["1.0.0-rc10", "1.0.0-rc9"])
        self.assert_order(["1.0.0-alpha.2b", "1.0.0-alpha.b2"])

    def test_longer_list_is_higher(self):
        self.assert_order(["1.0.0-rc", "1.0.0-rc.0", "1.0.0-rc.0.0", "1.0.0-rc.1"])

    def test_equality_and_hash(self):
        self.assertEqual(Version.parse("1.0.0-rc.1+a"), Version.parse("1.0.0-rc.1+b"))
        self.assertEqual(len({Version.parse("1.0.0-rc.1"), Version.parse("1.0.0-rc.1+b")}), 1)

    def test_text_is_kept(self):
        for text in SPEC_ORDER + ["1.0.0-rc.10+linux.5"]:
            self.assertEqual(str(Version.parse(text)), text)


class ResolverTest(unittest.TestCase):
    def setUp(self):
        self.index = PackageIndex()
        for number in (1, 2, 9, 10):
            self.index.add("lib", f"2.0.0-rc.{number}")

    def test_newest_prerelease(self):
        self.assertEqual(str(resolve(self.index, {"lib": ">=2.0.0-rc.1"})["lib"]), "2.0.0-rc.10")
        self.assertFalse(Requirement(">=2.0.0-rc.10").allows(Version.parse("2.0.0-rc.9")))

    def test_update(self):
        self.assertIsNone(available_update(self.index, "lib", "2.0.0-rc.10", ">=2.0.0-rc.1"))
        self.assertEqual(str(available_update(self.index, "lib", "2.0.0-rc.9", ">=2.0.0-rc.1")), "2.0.0-rc.10")


if __name__ == "__main__":
    unittest.main()
