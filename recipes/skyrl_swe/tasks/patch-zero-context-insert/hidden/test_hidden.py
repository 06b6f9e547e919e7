import unittest

from linepatch import PatchError, apply_patch, make_patch, reverse_patch

TEXT = "a\nb\nc\nd\n"


class ForeignPatches(unittest.TestCase):
    """Patches as GNU diff -U0 writes them."""

    def test_insert_in_the_middle(self):
        self.assertEqual(apply_patch(TEXT, "@@ -2,0 +3 @@\n+new\n"), "a\nb\nnew\nc\nd\n")

    def test_insert_at_the_ends(self):
        self.assertEqual(apply_patch(TEXT, "@@ -0,0 +1,2 @@\n+x\n+y\n"), "x\ny\na\nb\nc\nd\n")
        self.assertEqual(apply_patch(TEXT, "@@ -4,0 +5 @@\n+e\n"), "a\nb\nc\nd\ne\n")
        self.assertEqual(apply_patch("", "@@ -0,0 +1 @@\n+x\n"), "x\n")

    def test_several_hunks(self):
        patch = "@@ -1,0 +2 @@\n+one\n@@ -3 +4,0 @@\n-c\n@@ -4,0 +5 @@\n+end\n"
        self.assertEqual(apply_patch(TEXT, patch), "a\none\nb\nd\nend\n")

    def test_reverse_of_deletion(self):
        patch = reverse_patch("@@ -3 +2,0 @@\n-c\n")
        self.assertEqual(apply_patch("a\nb\nd\n", patch), TEXT)

    def test_insert_past_the_end(self):
        with self.assertRaises(PatchError):
            apply_patch(TEXT, "@@ -5,0 +6 @@\n+x\n")


class OwnPatches(unittest.TestCase):
    def test_headers_follow_gnu_diff(self):
        self.assertEqual(make_patch("a\nb\n", "a\nnew\nb\n", 0), "@@ -1,0 +2 @@\n+new\n")
        self.assertEqual(make_patch("", "x\n"), "@@ -0,0 +1 @@\n+x\n")
        self.assertEqual(make_patch("a\nb\n", "a\n", 0), "@@ -2 +1,0 @@\n-b\n")

    def test_round_trips(self):
        variants = ["", "a\n", "new\na\nb\nc\nd\n", "a\nb\nnew\nc\nd\n", "a\nb\nc\nd\nnew\n", "b\nx\ny\nd\nz\n", "x"]
        for new in variants:
            for context in (0, 1, 3):
                with self.subTest(new=new, context=context):
                    patch = make_patch(TEXT, new, context)
                    self.assertEqual(apply_patch(TEXT, patch), new)
                    self.assertEqual(apply_patch(new, reverse_patch(patch)), TEXT)


if __name__ == "__main__":
    unittest.main()
