"""Collect elements, then convert them to compressed rows."""

from .csr import CSRMatrix


class Triplets:
    """A matrix under construction: (row, column, value) in any order."""

    def __init__(self, rows, columns):
        if rows < 0 or columns < 0:
            raise ValueError("a matrix cannot have a negative size")
        self.rows = rows
        self.columns = columns
        self._entries = []

    def __len__(self):
        return len(self._entries)

    def put(self, row, column, value):
        """Add ``value`` to the element at (row, column)."""
        if not (0 <= row < self.rows and 0 <= column < self.columns):
            raise IndexError(f"({row}, {column}) is outside of {(self.rows, self.columns)}")
        self._entries.append((row, column, float(value)))

    def extend(self, entries):
        for row, column, value in entries:
            self.put(row, column, value)

    def to_csr(self):
        """Convert to a CSRMatrix; values at the same place are summed."""
        indptr, indices, data = [0], [], []
        row = 0
        for entry_row, column, value in sorted(self._entries, key=lambda entry: entry[0]):
            while row < entry_row:
                _finish_row(indptr, indices, data)
                row += 1
            if len(indices) > indptr[-1] and indices[-1] == column:
                data[-1] += value
            else:
                indices.append(column)
                data.append(value)
        while row < self.rows:
            _finish_row(indptr, indices, data)
            row += 1
        return CSRMatrix(self.rows, self.columns, indptr, indices, data)


def _finish_row(indptr, indices, data):
    """Close the current row and drop the elements of it that are zero."""
    begin = indptr[-1]
    kept = [(column, value) for column, value in zip(indices[begin:], data[begin:]) if value != 0]
    indices[begin:] = [column for column, _ in kept]
    data[begin:] = [value for _, value in kept]
    indptr.append(len(indices))
