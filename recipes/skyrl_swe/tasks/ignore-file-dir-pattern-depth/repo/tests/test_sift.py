import pathlib
import tempfile
import unittest

from sift import IgnoreFile, IgnoreSet, Rule, kept_files


def ignore(text, folder=""):
    return IgnoreSet([IgnoreFile.from_text(text, folder)])


class SyntaxTest(unittest.TestCase):
    def test_comments_and_empty_lines(self):
        self.assertIsNone(Rule.parse("# generated"))
        self.assertIsNone(Rule.parse("   "))

    def test_plain_name_matches_everywhere(self):
        rules = ignore("*.log")
        self.assertTrue(rules.is_ignored("run.log"))
        self.assertTrue(rules.is_ignored("a/b/run.log"))

    def test_middle_slash_anchors(self):
        rules = ignore("docs/*.tmp")
        self.assertTrue(rules.is_ignored("docs/a.tmp"))
        self.assertFalse(rules.is_ignored("site/docs/a.tmp"))

    def test_last_rule_decides(self):
        rules = ignore("*.pyc\n!keep.pyc\n")
        self.assertFalse(rules.is_ignored("pkg/keep.pyc"))
        self.assertTrue(rules.is_ignored("pkg/other.pyc"))

    def test_directory_rule_spares_files(self):
        rules = ignore("build/")
        self.assertTrue(rules.is_ignored("build/app.o"))
        self.assertFalse(rules.is_ignored("build"))

    def test_double_star(self):
        rules = ignore("**/cache/*.bin")
        self.assertTrue(rules.is_ignored("cache/a.bin"))
        self.assertTrue(rules.is_ignored("x/y/cache/a.bin"))

    def test_deeper_file_wins(self):
        rules = IgnoreSet([
            IgnoreFile.from_text("!notes.txt", "drafts"),
            IgnoreFile.from_text("*.txt"),
        ])
        self.assertFalse(rules.is_ignored("drafts/notes.txt"))
        self.assertTrue(rules.is_ignored("notes.txt"))


class WalkTest(unittest.TestCase):
    def test_kept_files(self):
        with tempfile.TemporaryDirectory() as root:
            base = pathlib.Path(root)
            (base / "dist").mkdir()
            for name in ("dist/app.whl", "setup.py", "trace.log"):
                (base / name).write_text("x")
            self.assertEqual(list(kept_files(root, ignore("*.log\n/dist/\n"))), ["setup.py"])
