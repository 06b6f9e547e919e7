import unittest

from logtally import MalformedLine, ReadStats, analyse, parse_line, read_records, render

GOOD = "2024-05-01T10:00:02 GET /a 200 15"
LATER = "2024-05-01T10:05:01 GET /c 404 5"
BAD = [
    "2024-05-01T10:00:07 GET /b - 0",
    "2024-05-01T10:00:07 GET /b",
    "2024-05-01T25:00:07 GET /b 200 1",
    "2024-05-01T10:00:07 GET /b 200 fast",
    "2024-05-01T10:00:07 GET /b 999 1",
    "2024-05-01T10:00:07 GET /b 200 -1",
    "garbage",
]


class MalformedLines(unittest.TestCase):
    def read(self, lines, **options):
        stats = ReadStats()
        return list(read_records(lines, stats, **options)), stats

    def test_example(self):
        report = analyse([GOOD, BAD[0], GOOD, LATER])
        self.assertEqual(report.stats, ReadStats(lines=4, records=3, skipped=1))
        self.assertEqual([w.count for w in report.windows], [2, 1])
        self.assertEqual(report.count, 3)

    def test_every_kind(self):
        for line in BAD:
            with self.subTest(line):
                records, stats = self.read([GOOD, line, LATER])
                self.assertEqual([r.path for r in records], ["/a", "/c"])
                self.assertEqual(stats, ReadStats(lines=3, records=2, skipped=1))

    def test_many(self):
        records, stats = self.read([*BAD, GOOD, *BAD, "# comment", "", LATER, *BAD])
        self.assertEqual([r.path for r in records], ["/a", "/c"])
        self.assertEqual(stats, ReadStats(lines=25, records=2, skipped=21))

    def test_only_malformed(self):
        records, stats = self.read(BAD)
        self.assertEqual((records, stats.skipped), ([], len(BAD)))
        self.assertEqual(analyse(BAD).windows, [])

    def test_strict(self):
        for line in BAD:
            stats = ReadStats()
            reader = read_records([GOOD, "", line, LATER], stats, strict=True)
            self.assertEqual(next(reader).path, "/a")
            with self.assertRaises(MalformedLine) as caught:
                next(reader)
            self.assertEqual(caught.exception.number, 3)

    def test_parse_line_raises(self):
        for line in BAD:
            with self.assertRaises(MalformedLine):
                parse_line(line)

    def test_streaming(self):
        def lines():
            yield BAD[0]
            yield GOOD
            raise AssertionError("read too far")

        self.assertEqual(next(read_records(lines(), ReadStats())).path, "/a")

    def test_summary(self):
        last = render(analyse([GOOD, *BAD[:1], GOOD, LATER])).splitlines()[-1]
        self.assertEqual(last, "4 lines, 3 requests, 1 skipped (25.0%)")


if __name__ == "__main__":
    unittest.main()
