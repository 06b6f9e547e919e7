"""Rows as dictionaries, with the first row as the header."""
from .dialect import EXCEL
from .reader import FormatError, RowReader
from .writer import write_rows


def read_records(text, dialect=EXCEL):
    """Return one dictionary for each row after the header.

    All rows must have as many fields as the header, and the names in the header
    must be different from each other.
    """
    reader = RowReader(text, dialect)
    rows = iter(reader)
    header = next(rows, None)
    if header is None:
        return []
    if len(set(header)) != len(header):
        raise FormatError(1, "a column name occurs twice")
    records = []
    for row in rows:
        if len(row) != len(header):
            raise FormatError(
                reader.line, f"expected {len(header)} fields, found {len(row)}"
            )
        records.append(dict(zip(header, row)))
    return records


def write_records(records, columns, dialect=EXCEL):
    """Return the text of a header and one row for each dictionary."""
    rows = [list(columns)]
    for record in records:
        rows.append([record.get(column) for column in columns])
    return write_rows(rows, dialect)
