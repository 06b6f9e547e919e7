"""The coordinate text format.

It is a subset of what many other programs write, see the README for an example.
"""

from .triplets import Triplets


def dumps(matrix):
    """Write ``matrix`` in row order, indices from 1."""
    lines = [f"{matrix.rows} {matrix.columns} {matrix.nnz}"]
    lines += [f"{row + 1} {column + 1} {value!r}" for row, column, value in matrix.triplets()]
    return "\n".join(lines) + "\n"


def loads(text):
    """Read a matrix; empty lines and lines that begin with ``%`` are skipped.

    >>> loads("2 2 1\\n2 1 0.5\\n").get(1, 0)
    0.5
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("%")]
    if not lines:
        raise ValueError("the header line is missing")
    rows, columns, count = (int(part) for part in lines[0].split())
    if len(lines) - 1 != count:
        raise ValueError(f"{count} elements announced, {len(lines) - 1} found")
    builder = Triplets(rows, columns)
    for line in lines[1:]:
        row, column, value = line.split()
        builder.put(int(row) - 1, int(column) - 1, float(value))
    return builder.to_csr()
