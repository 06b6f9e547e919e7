"""The writer."""
from .dialect import EXCEL


def format_field(value, dialect=EXCEL):
    """Return a value as it is written, between quotes if it needs them.

    None is written as an empty field, everything else is converted to text.
    """
    text = "" if value is None else str(value)
    if not dialect.needs_quotes(text):
        return text
    quote = dialect.quote
    return quote + text.replace(quote, quote * 2) + quote


def format_row(row, dialect=EXCEL):
    """Return a row without its terminator.

    A row with one empty field is written as a pair of quotes, because it could
    not be told from a blank line otherwise.
    """
    fields = [format_field(value, dialect) for value in row]
    if fields == [""]:
        return dialect.quote * 2
    return dialect.delimiter.join(fields)


def write_rows(rows, dialect=EXCEL):
    """Return the text of all rows, each with its terminator."""
    return "".join(format_row(row, dialect) + dialect.terminator for row in rows)
