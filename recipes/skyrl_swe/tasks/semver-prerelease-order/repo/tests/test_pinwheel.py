import unittest

from pinwheel import InvalidVersion, PackageIndex, Requirement, ResolutionError, Version, available_update, resolve


class VersionTest(unittest.TestCase):
    def test_numbers_are_compared_as_numbers(self):
        self.assertLess(Version.parse("1.9.0"), Version.parse("1.10.0"))

    def test_prerelease_is_lower(self):
        self.assertLess(Version.parse("1.0.0-rc.1"), Version.parse("1.0.0"))
        self.assertLess(Version.parse("1.0.0-alpha"), Version.parse("1.0.0-beta"))

    def test_build_is_ignored(self):
        self.assertEqual(Version.parse("1.0.0+a"), Version.parse("1.0.0+b"))

    def test_invalid(self):
        for text in ("", "one", "1.2.3.4", "01.0.0"):
            with self.assertRaises(InvalidVersion):
                Version.parse(text)


class RequirementTest(unittest.TestCase):
    def test_caret_and_tilde(self):
        self.assertTrue(Requirement("^1.4.0").allows(Version.parse("1.9.9")))
        self.assertFalse(Requirement("~1.4.0").allows(Version.parse("1.5.0")))

    def test_prereleases_must_be_asked_for(self):
        candidate = Version.parse("2.0.0-rc.1")
        self.assertFalse(Requirement(">=1").allows(candidate))
        self.assertTrue(Requirement(">=2.0.0-beta").allows(candidate))


class ResolverTest(unittest.TestCase):
    def setUp(self):
        self.index = PackageIndex()
        self.index.add("http", "2.0.3")
        self.index.add("http", "2.1.0")
        self.index.add("web", "1.0.0", {"http": "~2.0.0"})
        self.index.add("web", "1.1.0", {"http": "^3.0.0"})

    def test_goes_back_to_an_older_version(self):
        chosen = resolve(self.index, {"web": "^1.0.0"})
        self.assertEqual({name: str(v) for name, v in chosen.items()}, {"web": "1.0.0", "http": "2.0.3"})

    def test_no_solution(self):
        with self.assertRaisesRegex(ResolutionError, "http"):
            resolve(self.index, {"web": "==1.1.0"})

    def test_update(self):
        self.assertEqual(available_update(self.index, "http", "2.0.3"), Version(2, 1, 0))
        self.assertIsNone(available_update(self.index, "http", "2.1.0"))


if __name__ == "__main__":
    unittest.main()
