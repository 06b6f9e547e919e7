import unittest

from pagewise import Paginator, Table

TICKETS = [
    {"id": 4, "due": "2024-05-01"},
    {"id": 1, "due": "2024-05-02"},
    {"id": 3, "due": "2024-05-02"},
    {"id": 2, "due": "2024-05-03"},
]


def ids(rows):
    return [row["id"] for row in rows]


class SeekTest(unittest.TestCase):
    def setUp(self):
        self.query = Table(TICKETS).query()

    def test_ascending_with_every_size(self):
        for size in range(1, 6):
            pages = Paginator(self.query.order_by("due"), size=size)
            self.assertEqual(ids(pages.rows()), [4, 1, 3, 2], size)

    def test_descending_with_every_size(self):
        for size in range(1, 6):
            pages = Paginator(self.query.order_by("due", descending=True), size=size)
            self.assertEqual(ids(pages.rows()), [2, 3, 1, 4], size)

    def test_ties_across_the_border(self):
        table = Table({"id": n, "kind": "x"} for n in (5, 3, 9, 1, 7))
        for descending in (False, True):
            pages = Paginator(table.query().order_by("kind", descending), size=2)
            self.assertEqual(ids(pages.rows()), sorted((5, 3, 9, 1, 7), reverse=descending))

    def test_by_hand(self):
        pages = Paginator(self.query.order_by("due"), size=2)
        first = pages.page()
        second = pages.page(first.next_cursor)
        self.assertEqual((ids(first.rows), ids(second.rows)), ([4, 1], [3, 2]))
        self.assertTrue(second.is_last)

    def test_position_of_a_deleted_row(self):
        table = Table(TICKETS)
        pages = Paginator(table.query().order_by("due"), size=2)
        cursor = pages.page().next_cursor
        table.delete(1)
        table.insert({"id": 0, "due": "2024-05-02"})
        self.assertEqual(ids(pages.page(cursor).rows), [3, 2])

    def test_after_keeps_only_later_pairs(self):
        query = self.query.order_by("due")
        self.assertEqual(ids(query.after(("2024-05-02", 1)).execute()), [3, 2])
        self.assertEqual(ids(query.after(("2024-05-02", 3)).execute()), [2])
        self.assertEqual(ids(query.after(("2024-05-01", 9)).execute()), [1, 3, 2])
        down = self.query.order_by("due", descending=True)
        self.assertEqual(ids(down.after(("2024-05-02", 3)).execute()), [1, 4])

    def test_with_conditions(self):
        query = self.query.where("id", "!=", 3).order_by("due")
        self.assertEqual(ids(Paginator(query, size=1).rows()), [4, 1, 2])

    def test_order_by_id(self):
        self.assertEqual(ids(Paginator(self.query, size=1).rows()), [1, 2, 3, 4])
        self.assertEqual(ids(Paginator(self.query.order_by("id", True), size=3).rows()), [4, 3, 2, 1])


if __name__ == "__main__":
    unittest.main()
