"""Reading and writing of delimiter separated text."""
from .dialect import EXCEL, SEMICOLON, TAB, Dialect
from .reader import FormatError, RowReader, read_rows
from .records import read_records, write_records
from .writer import write_rows

__all__ = [
    "EXCEL", "SEMICOLON", "TAB", "Dialect", "FormatError", "RowReader",
    "read_records", "read_rows", "write_records", "write_rows",
]
