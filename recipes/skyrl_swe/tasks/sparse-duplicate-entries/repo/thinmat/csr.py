"""Compressed sparse rows."""

from bisect import bisect_left


class CSRMatrix:
    """A matrix as three lists, see the README for the rules that they follow."""

    def __init__(self, rows, columns, indptr, indices, data):
        if len(indptr) != rows + 1 or indptr[-1] != len(indices) or len(indices) != len(data):
            raise ValueError("the lists do not fit together")
        self.rows = rows
        self.columns = columns
        self.indptr = indptr
        self.indices = indices
        self.data = data

    @property
    def shape(self):
        return (self.rows, self.columns)

    @property
    def nnz(self):
        """The number of stored elements."""
        return len(self.data)

    def get(self, row, column):
        if not (0 <= row < self.rows and 0 <= column < self.columns):
            raise IndexError(f"({row}, {column}) is outside of {self.shape}")
        begin, end = self.indptr[row], self.indptr[row + 1]
        place = bisect_left(self.indices, column, begin, end)
        if place < end and self.indices[place] == column:
            return self.data[place]
        return 0.0

    def row(self, row):
        """The (column, value) pairs of a row."""
        part = slice(self.indptr[row], self.indptr[row + 1])
        return list(zip(self.indices[part], self.data[part]))

    def triplets(self):
        """Yield (row, column, value) of all stored elements, row by row."""
        for row in range(self.rows):
            for column, value in self.row(row):
                yield row, column, value

    def scaled(self, factor):
        if factor == 0:
            return CSRMatrix(self.rows, self.columns, [0] * (self.rows + 1), [], [])
        data = [value * factor for value in self.data]
        return CSRMatrix(self.rows, self.columns, list(self.indptr), list(self.indices), data)

    def to_dense(self):
        dense = [[0.0] * self.columns for _ in range(self.rows)]
        for row, column, value in self.triplets():
            dense[row][column] += value
        return dense

    def __eq__(self, other):
        if not isinstance(other, CSRMatrix):
            return NotImplemented
        return (self.shape, self.indptr, self.indices, self.data) == (
            other.shape, other.indptr, other.indices, other.data)

    def __repr__(self):
        return f"<CSRMatrix {self.rows}x{self.columns}, {self.nnz} elements>"
