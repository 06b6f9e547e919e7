"""Sparse matrices in pure Python."""

from .csr import CSRMatrix
from .ops import add, matmul, transpose
from .textio import dumps, loads
from .triplets import Triplets

__all__ = ["CSRMatrix", "Triplets", "add", "dumps", "loads", "matmul", "transpose"]
