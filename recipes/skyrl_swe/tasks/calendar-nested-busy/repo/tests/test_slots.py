import unittest

from slotwise import AgendaError, Span, find_slots, merge_spans, parse_agenda, parse_time, total_minutes


def at(clock):
    return parse_time(f"2024-05-06 {clock}")


def span(start, end):
    return Span(at(start), at(end))


class MergeTest(unittest.TestCase):
    def test_overlapping_spans_are_joined(self):
        merged = merge_spans([span("10:00", "11:00"), span("09:00", "10:30")])
        self.assertEqual(merged, [span("09:00", "11:00")])

    def test_touching_spans_are_joined(self):
        merged = merge_spans([span("09:00", "10:00"), span("10:00", "11:00")])
        self.assertEqual(merged, [span("09:00", "11:00")])

    def test_separate_spans_are_sorted(self):
        merged = merge_spans([span("12:00", "13:00"), span("09:00", "10:00")])
        self.assertEqual(merged, [span("09:00", "10:00"), span("12:00", "13:00")])

    def test_total(self):
        self.assertEqual(total_minutes([span("09:00", "10:00"), span("09:30", "10:30")]), 90)


class AgendaTest(unittest.TestCase):
    def test_comments_and_titles(self):
        agenda = parse_agenda("# monday\n2024-05-06 09:00-09:30 stand-up\n")
        self.assertEqual(agenda.events[0].title, "stand-up")

    def test_bad_line_is_reported_with_number(self):
        with self.assertRaisesRegex(AgendaError, "line 2"):
            parse_agenda("\nsome time soon\n")


class SlotTest(unittest.TestCase):
    def test_two_people(self):
        ana = parse_agenda("2024-05-06 09:00-09:30 stand-up")
        ben = parse_agenda("2024-05-06 10:00-12:00 review")
        slots = find_slots([ana, ben], at("08:00"), at("13:00"), minutes=45)
        self.assertEqual(slots, [span("08:00", "09:00"), span("12:00", "13:00")])


if __name__ == "__main__":
    unittest.main()
