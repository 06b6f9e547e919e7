"""Operations on compressed matrices."""

from .csr import CSRMatrix
from .triplets import Triplets


def add(a, b):
    """The sum of two matrices of the same shape."""
    if a.shape != b.shape:
        raise ValueError(f"cannot add {a.shape} and {b.shape}")
    result = Triplets(a.rows, a.columns)
    result.extend(a.triplets())
    result.extend(b.triplets())
    return result.to_csr()


def transpose(a):
    result = Triplets(a.columns, a.rows)
    result.extend((column, row, value) for row, column, value in a.triplets())
    return result.to_csr()


def matmul(a, b):
    """The matrix product, row by row (Gustavson's algorithm)."""
    if a.columns != b.rows:
        raise ValueError(f"cannot multiply {a.shape} by {b.shape}")
    indptr, indices, data = [0], [], []
    for row in range(a.rows):
        sums = {}
        for inner, factor in a.row(row):
            for column, value in b.row(inner):
                sums[column] = sums.get(column, 0.0) + factor * value
        for column in sorted(sums):
            if sums[column] != 0:
                indices.append(column)
                data.append(sums[column])
        indptr.append(len(indices))
    return CSRMatrix(a.rows, b.columns, indptr, indices, data)
