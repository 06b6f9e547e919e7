"""Cut the result of a query into pages."""

from dataclasses import dataclass

from . import cursor as cursors


@dataclass(frozen=True)
class Page:
    """Some rows, and the cursor of the page behind them."""

    rows: list
    next_cursor: str | None

    @property
    def is_last(self):
        return self.next_cursor is None


class Paginator:
    """Pages of a fixed size over a query."""

    def __init__(self, query, size=25):
        if size < 1:
            raise ValueError("page size must be at least 1")
        self.query = query
        self.size = size

    def page(self, cursor=None):
        """Return the first page, or the page that a cursor points to."""
        query = self.query
        if cursor is not None:
            query = query.after(cursors.decode(query, cursor))
        rows = query.limit(self.size + 1).execute()
        if len(rows) <= self.size:
            return Page(rows, None)
        rows = rows[:self.size]
        return Page(rows, cursors.encode(query, rows[-1]))

    def pages(self):
        """Yield all pages, each is fetched when it is asked for."""
        cursor = None
        while True:
            page = self.page(cursor)
            yield page
            if page.is_last:
                return
            cursor = page.next_cursor

    def rows(self):
        """Yield the rows of all pages."""
        for page in self.pages():
            yield from page.rows
