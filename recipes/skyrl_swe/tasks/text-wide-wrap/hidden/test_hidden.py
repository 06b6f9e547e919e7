import unittest
import unicodedata

from gridtext import Column, display_width, render_table, wrap


class WideTest(unittest.TestCase):
    def test_issue(self):
        self.assertEqual(wrap("東京都千代田区丸の内", 8), ["東京都千", "代田区丸", "の内"])
        self.assertEqual(wrap("型番AB12345番", 6), ["型番AB", "12345", "番"])

    def test_odd_width(self):
        self.assertEqual(wrap("東京都千代", 5), ["東京", "都千", "代"])
        self.assertEqual(wrap("a東京都千代", 5), ["a東京", "都千", "代"])

    def test_too_narrow(self):
        self.assertEqual(wrap("東京", 1), ["東", "京"])
        self.assertEqual(wrap("a東b京c", 1), ["a", "東", "b", "京", "c"])
        self.assertEqual(wrap("ab 東", 1), ["a", "b", "東"])

    def test_words_follow_last_piece(self):
        self.assertEqual(wrap("東京都千代田区 ab", 8), ["東京都千", "代田区", "ab"])
        self.assertEqual(wrap("東京都千代 ab", 8), ["東京都千", "代 ab"])

    def test_narrow_letters(self):
        self.assertEqual(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"])
        self.assertEqual(wrap("abcdefgh", 4), ["abcd", "efgh"])

    def test_no_line_is_too_wide(self):
        text = "東京 abc型番12345番号e\u0301e\u0301xyz한국어텍스트 end"
        for width in range(2, 30):
            lines = wrap(text, width)
            self.assertTrue(all(0 < display_width(line) <= width for line in lines), (width, lines))
            self.assertEqual("".join(lines).replace(" ", ""), text.replace(" ", ""))


class CombiningTest(unittest.TestCase):
    def test_marks_take_no_columns(self):
        word = "e\u0301" * 10
        self.assertEqual(wrap(word, 4), ["e\u0301" * 4, "e\u0301" * 4, "e\u0301" * 2])
        self.assertEqual(wrap("e\u0301\u0323" * 3, 2), ["e\u0301\u0323" * 2, "e\u0301\u0323"])

    def test_marks_stay_with_their_character(self):
        word = unicodedata.normalize("NFD", "élèveàôûï")
        for width in range(1, 12):
            for line in wrap(word, width):
                self.assertFalse(unicodedata.combining(line[0]), (width, line))

    def test_mark_after_wide_character(self):
        self.assertEqual(wrap("か\u3099き\u3099く\u3099", 4), ["か\u3099き\u3099", "く\u3099"])
        self.assertEqual(wrap("か\u3099き\u3099", 1), ["か\u3099", "き\u3099"])


class TableTest(unittest.TestCase):
    def test_cells_stay_in_their_columns(self):
        table = render_table([Column("address", 8), Column("n", 3)], [["東京都千代田区丸の内", 1]])
        self.assertEqual(table.splitlines()[2:], ["東京都千 | 1", "代田区丸 |", "の内     |"])


if __name__ == "__main__":
    unittest.main()
