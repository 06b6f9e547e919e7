import unittest
from datetime import datetime

from logtally import MalformedLine, ReadStats, analyse, parse_line, read_records, render

LINES = [
    "# access log",
    "2024-05-01T10:00:02 GET /a 200 15",
    "",
    "2024-05-01T10:04:59 GET /b 500 25",
    "2024-05-01T10:05:00 POST /a 201 5.5",
]


class ParseTest(unittest.TestCase):
    def test_good_line(self):
        record = parse_line(LINES[1])
        self.assertEqual((record.time, record.path, record.status), (datetime(2024, 5, 1, 10, 0, 2), "/a", 200))

    def test_malformed_lines(self):
        for line in ("2024-05-01T10:00:02 GET /a", "yesterday GET /a 200 1", "2024-05-01T10:00:02 GET /a 99 1"):
            with self.subTest(line), self.assertRaises(MalformedLine):
                parse_line(line)


class ReadTest(unittest.TestCase):
    def test_counts(self):
        stats = ReadStats()
        self.assertEqual(len(list(read_records(LINES, stats))), 3)
        self.assertEqual(stats, ReadStats(lines=5, records=3, skipped=0))

    def test_skipped_line_at_the_end(self):
        stats = ReadStats()
        list(read_records([*LINES, "2024-05-01T10:0"], stats))
        self.assertEqual(stats, ReadStats(lines=6, records=3, skipped=1))

    def test_strict(self):
        with self.assertRaises(MalformedLine) as caught:
            list(read_records([*LINES, "broken"], ReadStats(), strict=True))
        self.assertEqual(caught.exception.number, 6)


class ReportTest(unittest.TestCase):
    def test_windows(self):
        windows = analyse(LINES).windows
        self.assertEqual([(w.begin.minute, w.count, w.errors) for w in windows], [(0, 2, 1), (5, 1, 0)])
        self.assertEqual((windows[0].mean, windows[0].top_path), (20, "/a"))

    def test_render(self):
        table = render(analyse(LINES)).splitlines()
        self.assertEqual(table[2], "2024-05-01 10:05  1      0       5.5   5.5      /a")
        self.assertEqual(table[-1], "5 lines, 3 requests, 0 skipped (0.0%)")


if __name__ == "__main__":
    unittest.main()
