import unittest

from pagewise import CursorError, Paginator, Table


def ids(rows):
    return [row["id"] for row in rows]


class QueryTest(unittest.TestCase):
    def setUp(self):
        self.table = Table({"id": n, "group": "ab"[n % 2], "rank": n // 2} for n in range(1, 8))

    def test_where(self):
        query = self.table.query().where("group", "=", "a").where("id", ">", 2)
        self.assertEqual(ids(query.execute()), [4, 6])

    def test_order_breaks_ties_by_id(self):
        query = self.table.query().order_by("group")
        self.assertEqual(ids(query.execute()), [2, 4, 6, 1, 3, 5, 7])
        query = self.table.query().order_by("group", descending=True)
        self.assertEqual(ids(query.execute()), [7, 5, 3, 1, 6, 4, 2])


class PaginatorTest(unittest.TestCase):
    def setUp(self):
        self.table = Table({"id": n, "rank": n // 3} for n in range(1, 11))
        self.pages = Paginator(self.table.query().order_by("rank"), size=4)

    def test_pages(self):
        self.assertEqual([ids(page.rows) for page in self.pages.pages()],
                         [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]])

    def test_exact_fit_has_no_empty_page(self):
        pages = Paginator(self.table.query(), size=5)
        self.assertEqual([len(page.rows) for page in pages.pages()], [5, 5])

    def test_descending(self):
        query = self.table.query().order_by("rank", descending=True)
        self.assertEqual(ids(Paginator(query, size=3).rows()), list(range(10, 0, -1)))

    def test_insert_and_delete_between_pages(self):
        first = self.pages.page()
        self.table.delete(4)
        self.table.insert({"id": 0, "rank": 0})
        self.assertEqual(ids(self.pages.page(first.next_cursor).rows), [5, 6, 7, 8])

    def test_cursor_of_another_order(self):
        cursor = self.pages.page().next_cursor
        with self.assertRaises(CursorError):
            Paginator(self.table.query().order_by("id")).page(cursor)

    def test_damaged_cursor(self):
        with self.assertRaises(CursorError):
            self.pages.page("abc")
