import unittest

from rowkit import EXCEL, SEMICOLON, TAB, FormatError, read_records, read_rows, write_rows


class EndOfTextTest(unittest.TestCase):
    def test_empty_last_field(self):
        self.assertEqual(read_rows("sku,price,note\nA2,7,"), [["sku", "price", "note"], ["A2", "7", ""]])
        self.assertEqual(read_rows(","), [["", ""]])
        self.assertEqual(read_rows("a,b\n,,"), [["a", "b"], ["", "", ""]])

    def test_quoted_empty_last_field(self):
        self.assertEqual(read_rows('a,""'), [["a", ""]])
        self.assertEqual(read_rows('name\n""\n""'), [["name"], [""], [""]])
        self.assertEqual(read_rows('""'), [[""]])

    def test_no_additional_row(self):
        for text in ("", "\n", "\r\n", "\n\n"):
            self.assertEqual(read_rows(text), [])
        self.assertEqual(read_rows("a,\n"), [["a", ""]])
        self.assertEqual(read_rows("a,b\r\n\r\n"), [["a", "b"]])
        self.assertEqual(read_rows('""\n'), [[""]])

    def test_other_dialects(self):
        self.assertEqual(read_rows("a\tb\n1\t", TAB), [["a", "b"], ["1", ""]])
        self.assertEqual(read_rows("a;b\r\n1;", SEMICOLON), [["a", "b"], ["1", ""]])

    def test_newline_makes_no_difference(self):
        rows = [["a", ""], ["", ""], [""], ["b\n", 'c"'], ["", "d"], ["e"], [""]]
        for dialect in (EXCEL, SEMICOLON, TAB):
            for count in range(1, len(rows) + 1):
                text = write_rows(rows[:count], dialect)
                self.assertEqual(read_rows(text, dialect), rows[:count])
                self.assertEqual(read_rows(text[: -len(dialect.terminator)], dialect), rows[:count])

    def test_records(self):
        self.assertEqual(read_records("sku,note\nA1,"), [{"sku": "A1", "note": ""}])

    def test_errors_stay(self):
        for text in ('a\n"b', 'a,"', 'a\n"b\n'):
            with self.assertRaisesRegex(FormatError, "not closed"):
                read_rows(text)
        with self.assertRaises(FormatError):
            read_records("a,b\n1")


if __name__ == "__main__":
    unittest.main()
