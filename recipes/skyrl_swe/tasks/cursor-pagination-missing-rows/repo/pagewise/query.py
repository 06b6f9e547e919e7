"""Immutable queries over a table."""

import operator
from dataclasses import dataclass, replace
from typing import Any

OPERATORS = {
    "=": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
    "in": lambda value, options: value in options,
}


@dataclass(frozen=True)
class Query:
    """A description of rows; nothing is read before it is executed."""

    table: Any
    conditions: tuple = ()
    column: str = "id"
    descending: bool = False
    position: tuple | None = None
    count: int | None = None

    def where(self, column, op, value):
        """Keep the rows whose column compares to the value as wanted."""
        if op not in OPERATORS:
            raise ValueError(f"unknown operator {op!r}")
        return replace(self, conditions=(*self.conditions, (column, op, value)))

    def order_by(self, column, descending=False):
        """Sort by a column; the id breaks ties in the same direction."""
        return replace(self, column=column, descending=descending)

    def after(self, position):
        """Keep the rows that come later than a pair of sort value and id."""
        return replace(self, position=tuple(position))

    def limit(self, count):
        return replace(self, count=count)

    def sort_key(self, row):
        """The position of a row: sort value and id."""
        return (row[self.column], row["id"])

    def execute(self):
        """Return the rows as a list."""
        rows = [row for row in self.table if self._wanted(row)]
        rows.sort(key=self.sort_key, reverse=self.descending)
        return rows[:self.count]

    def _wanted(self, row):
        for column, op, value in self.conditions:
            if not OPERATORS[op](row[column], value):
                return False
        return self.position is None or self._is_later(row)

    def _is_later(self, row):
        value, key = self.sort_key(row)
        last_value, last_key = self.position
        if self.descending:
            return value <= last_value and key < last_key
        return value >= last_value and key > last_key
