import itertools
import unittest

from slotwise import Span, find_slots, free_spans, merge_spans, parse_agenda, parse_time, total_minutes


def at(clock):
    return parse_time(f"2024-05-06 {clock}")


def span(start, end):
    return Span(at(start), at(end))


class NestedTest(unittest.TestCase):
    def test_same_start_in_any_order(self):
        spans = [span("09:00", "17:00"), span("09:00", "09:30")]
        for order in itertools.permutations(spans):
            self.assertEqual(merge_spans(order), [span("09:00", "17:00")])

    def test_inner_start(self):
        spans = [span("09:00", "16:00"), span("12:00", "13:00")]
        for order in itertools.permutations(spans):
            self.assertEqual(merge_spans(order), [span("09:00", "16:00")])

    def test_several_inside_then_overlap_and_touch(self):
        spans = [span("09:00", "16:00"), span("10:00", "10:30"), span("12:00", "13:00"),
                 span("15:30", "17:00"), span("17:00", "17:15"), span("18:00", "18:30")]
        for order in itertools.permutations(spans):
            self.assertEqual(merge_spans(order), [span("09:00", "17:15"), span("18:00", "18:30")])

    def test_same_end_and_duplicates(self):
        spans = [span("09:00", "12:00"), span("11:00", "12:00"), span("09:00", "12:00")]
        self.assertEqual(merge_spans(spans), [span("09:00", "12:00")])

    def test_total_minutes(self):
        self.assertEqual(total_minutes([span("09:00", "16:00"), span("12:00", "13:00")]), 420)

    def test_gap_stays_open(self):
        spans = [span("09:00", "10:00"), span("10:01", "11:00")]
        self.assertEqual(merge_spans(spans), spans)


class SlotTest(unittest.TestCase):
    def test_issue_example(self):
        agenda = parse_agenda("2024-05-06 09:00-17:00 on site visit\n2024-05-06 09:00-09:30 welcome")
        slots = find_slots([agenda], at("08:00"), at("18:00"), minutes=30)
        self.assertEqual(slots, [span("08:00", "09:00"), span("17:00", "18:00")])

    def test_two_people(self):
        ana = parse_agenda("2024-05-06 12:00-13:00 lunch")
        ben = parse_agenda("2024-05-06 09:00-16:00 workshop")
        for agendas in ([ana, ben], [ben, ana]):
            slots = find_slots(agendas, at("08:00"), at("18:00"), minutes=30)
            self.assertEqual(slots, [span("08:00", "09:00"), span("16:00", "18:00")])

    def test_window_inside_busy_time(self):
        busy = [span("08:00", "18:00"), span("09:00", "10:00")]
        self.assertEqual(free_spans(iter(busy), at("09:00"), at("12:00")), [])


if __name__ == "__main__":
    unittest.main()
