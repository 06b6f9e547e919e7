"""Descriptions of the flavours of delimiter separated text."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """The special characters of a flavour.

    The terminator is only used for writing; the reader accepts both kinds of newline.
    """

    delimiter: str = ","
    quote: str = '"'
    terminator: str = "\r\n"

    def __post_init__(self):
        for name in ("delimiter", "quote"):
            value = getattr(self, name)
            if len(value) != 1 or value in "\r\n":
                raise ValueError(f"{name} must be one character, not {value!r}")
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote must differ")

    def needs_quotes(self, field):
        """Say whether a field can only be written between quotes."""
        special = (self.delimiter, self.quote, "\r", "\n")
        return any(character in field for character in special)


EXCEL = Dialect()
SEMICOLON = Dialect(delimiter=";")
TAB = Dialect(delimiter="\t", terminator="\n")
