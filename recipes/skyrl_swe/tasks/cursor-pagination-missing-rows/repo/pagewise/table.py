"""Storage of rows."""

from .query import Query


class Table:
    """Rows as dicts, each with a unique id."""

    def __init__(self, rows=()):
        self._rows = {}
        for row in rows:
            self.insert(row)

    def insert(self, row):
        """Add a row; its id must be new."""
        key = row["id"]
        if key in self._rows:
            raise ValueError(f"duplicate id {key!r}")
        self._rows[key] = row

    def delete(self, key):
        """Remove the row with the given id."""
        del self._rows[key]

    def query(self):
        """Start a query over the rows present when it is executed."""
        return Query(self)

    def __iter__(self):
        return iter(list(self._rows.values()))

    def __len__(self):
        return len(self._rows)
