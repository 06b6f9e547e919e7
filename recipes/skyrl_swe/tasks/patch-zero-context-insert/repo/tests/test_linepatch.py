import unittest

from linepatch import PatchError, apply_patch, make_patch, parse_hunks, reverse_patch

OLD = "".join(f"line {n}\n" for n in range(1, 21))


class RoundTrip(unittest.TestCase):
    def check(self, old, new, context=3):
        patch = make_patch(old, new, context)
        self.assertEqual(apply_patch(old, patch), new)
        self.assertEqual(apply_patch(new, reverse_patch(patch)), old)

    def test_change_with_context(self):
        self.check(OLD, OLD.replace("line 7\n", "seven\n"))
        self.check(OLD, OLD.replace("line 3\n", "three\n").replace("line 18\n", ""))
        self.check(OLD, OLD.replace("line 9\n", "line 9\nadded\n"))

    def test_changed_lines_without_context(self):
        self.check(OLD, OLD.replace("line 7\n", "seven\n"), context=0)

    def test_no_newline_at_end(self):
        self.check("a\nb", "a\nb\n")
        self.check("a\nb\n", "a\nc")

    def test_equal_texts(self):
        self.assertEqual(make_patch(OLD, OLD), "")
        self.assertEqual(apply_patch(OLD, ""), OLD)


class Format(unittest.TestCase):
    def test_header_and_body(self):
        self.assertEqual(make_patch("a\nb\nc\n", "a\nB\nc\n", 1), "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n")
        self.assertEqual(make_patch("a\nb\nc\n", "a\nB\nc\n", 0), "@@ -2 +2 @@\n-b\n+B\n")

    def test_file_names_are_skipped(self):
        hunks = parse_hunks("--- a.txt\n+++ b.txt\n@@ -1 +1 @@\n-x\n+y\n")
        self.assertEqual([h.old_lines for h in hunks], [["x\n"]])

    def test_errors(self):
        with self.assertRaisesRegex(PatchError, "does not fit at line 1"):
            apply_patch("b\n", "@@ -1 +1 @@\n-a\n+c\n")
        with self.assertRaisesRegex(PatchError, "cut off"):
            parse_hunks("@@ -1,2 +1 @@\n-a\n")


if __name__ == "__main__":
    unittest.main()
