import unittest

from gridtext import Column, display_width, pad, render_table, wrap


class WidthTest(unittest.TestCase):
    def test_wide_and_combining(self):
        self.assertEqual(display_width("東京"), 4)
        self.assertEqual(display_width("e\u0301"), 1)
        self.assertEqual(display_width("ﾊﾝｶｸ"), 4)

    def test_pad(self):
        self.assertEqual(pad("東", 4), "東  ")
        self.assertEqual(pad("東", 4, "right"), "  東")
        self.assertEqual(pad("ab", 5, "center"), " ab  ")


class WrapTest(unittest.TestCase):
    def test_words(self):
        self.assertEqual(wrap("the quick brown fox", 9), ["the quick", "brown fox"])
        self.assertEqual(wrap("東京 大阪 京都", 9), ["東京 大阪", "京都"])

    def test_long_word(self):
        self.assertEqual(wrap("a incomprehensible b", 8), ["a", "incompre", "hensible", "b"])
        self.assertEqual(wrap("abcdefghij kl", 8), ["abcdefgh", "ij kl"])

    def test_empty(self):
        self.assertEqual(wrap("  ", 5), [""])
        with self.assertRaises(ValueError):
            wrap("a", 0)


class TableTest(unittest.TestCase):
    def test_cells_are_aligned(self):
        table = render_table([Column("name", 6), Column("n", 4, "right")], [["Aiko", 7], ["東京都", 10]])
        self.assertEqual(table.splitlines(), [
            "name   |    n",
            "-------+-----",
            "Aiko   |    7",
            "東京都 |   10",
        ])

    def test_wrong_number_of_cells(self):
        with self.assertRaises(ValueError):
            render_table([Column("a", 3)], [["1", "2"]])


if __name__ == "__main__":
    unittest.main()
