import unittest

from sift import IgnoreFile, IgnoreSet, Rule


def ignore(text, folder=""):
    return IgnoreSet([IgnoreFile.from_text(text, folder)])


class DirectoryPatternTest(unittest.TestCase):
    def test_any_depth(self):
        rules = ignore("build/\n*.log\n")
        self.assertTrue(rules.is_ignored("build/app.o"))
        self.assertTrue(rules.is_ignored("plugins/auth/build/x.o"))
        self.assertTrue(rules.is_ignored("plugins/build/"))

    def test_files_of_that_name_are_kept(self):
        rules = ignore("build/")
        self.assertFalse(rules.is_ignored("build"))
        self.assertFalse(rules.is_ignored("tools/build"))

    def test_leading_slash_stays_anchored(self):
        rules = ignore("/dist/")
        self.assertTrue(rules.is_ignored("dist/a.whl"))
        self.assertFalse(rules.is_ignored("vendor/dist/a.whl"))

    def test_middle_slash_stays_anchored(self):
        rules = ignore("docs/out/")
        self.assertTrue(rules.is_ignored("docs/out/index.html"))
        self.assertFalse(rules.is_ignored("site/docs/out/index.html"))
        self.assertFalse(rules.is_ignored("out/index.html"))

    def test_leading_slash_without_trailing(self):
        rules = ignore("/notes.txt")
        self.assertTrue(rules.is_ignored("notes.txt"))
        self.assertFalse(rules.is_ignored("a/notes.txt"))

    def test_wildcards(self):
        rules = ignore("*.egg-info/")
        self.assertTrue(rules.is_ignored("libs/core.egg-info/PKG-INFO"))
        self.assertFalse(rules.is_ignored("libs/core.egg-info"))

    def test_exception_for_nested_directory(self):
        rules = ignore("tmp/\n!keep/tmp/\n")
        self.assertTrue(rules.is_ignored("a/tmp/x"))
        self.assertFalse(rules.is_ignored("keep/tmp/x"))
        self.assertTrue(rules.is_ignored("a/keep/tmp/x"))

    def test_file_in_subfolder(self):
        rules = ignore("out/", "services")
        self.assertTrue(rules.is_ignored("services/api/out/x"))
        self.assertFalse(rules.is_ignored("out/x"))

    def test_flags(self):
        rule = Rule.parse("!node_modules/")
        self.assertEqual((rule.glob, rule.negated, rule.anchored, rule.dir_only),
                         ("node_modules", True, False, True))
        self.assertTrue(Rule.parse("/dist/").anchored)
        self.assertTrue(Rule.parse("a/b").anchored)
        self.assertIsNone(Rule.parse("/"))


if __name__ == "__main__":
    unittest.main()
