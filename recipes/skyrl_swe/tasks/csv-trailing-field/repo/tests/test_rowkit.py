import unittest

from rowkit import EXCEL, SEMICOLON, TAB, FormatError, read_records, read_rows, write_records, write_rows


class ReadTest(unittest.TestCase):
    def test_plain_rows(self):
        self.assertEqual(read_rows("a,b\n1,2\n"), [["a", "b"], ["1", "2"]])

    def test_final_newline_is_optional(self):
        self.assertEqual(read_rows("a,b\n1,2"), [["a", "b"], ["1", "2"]])

    def test_empty_fields(self):
        self.assertEqual(read_rows(",a,\n,,\n"), [["", "a", ""], ["", "", ""]])

    def test_quotes(self):
        self.assertEqual(read_rows('"a ""b""","c\nd"\r\n'), [['a "b"', "c\nd"]])

    def test_blank_lines_are_skipped(self):
        self.assertEqual(read_rows("a\n\n\nb\n"), [["a"], ["b"]])
        self.assertEqual(read_rows(""), [])

    def test_quoted_empty_line_is_a_row(self):
        self.assertEqual(read_rows('a\n""\nb\n'), [["a"], [""], ["b"]])

    def test_other_dialects(self):
        self.assertEqual(read_rows("a;1,5\n", SEMICOLON), [["a", "1,5"]])
        self.assertEqual(read_rows("a\tb\n", TAB), [["a", "b"]])

    def test_errors(self):
        with self.assertRaisesRegex(FormatError, "line 2: quoted field"):
            read_rows('a\n"b')
        with self.assertRaisesRegex(FormatError, "line 1: unexpected 'b'"):
            read_rows('"a"b\n')


class RoundTripTest(unittest.TestCase):
    def test_rows(self):
        rows = [["a", 'b"c'], ["", "d\ne"], ["f;g", ""]]
        for dialect in (EXCEL, SEMICOLON, TAB):
            self.assertEqual(read_rows(write_rows(rows, dialect), dialect), rows)

    def test_records(self):
        records = [{"sku": "A1", "price": "5"}, {"sku": "A2", "price": ""}]
        text = write_records(records, ["sku", "price"])
        self.assertEqual(read_records(text), records)


if __name__ == "__main__":
    unittest.main()
