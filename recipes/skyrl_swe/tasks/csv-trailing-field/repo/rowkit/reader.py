"""The reader, a small state machine."""
from .dialect import EXCEL

START, PLAIN, QUOTED, AFTER_QUOTE = "start", "plain", "quoted", "after quote"


class FormatError(ValueError):
    """Text that does not follow the rules of the format."""

    def __init__(self, line, message):
        super().__init__(f"line {line}: {message}")
        self.line = line


class RowReader:
    """Splits text into rows. One object reads one text."""

    def __init__(self, text, dialect=EXCEL):
        self._text = text
        self._dialect = dialect
        self._row = []
        self._field = []
        self._state = START
        self.line = 1

    def __iter__(self):
        for character in self._text:
            if self._feed(character):
                yield self._take_row()
            if character == "\n":
                self.line += 1
        if self._state == QUOTED:
            raise FormatError(self.line, "quoted field is not closed")
        if self._field:
            self._end_field()
        if self._row:
            yield self._take_row()

    def _feed(self, character):
        """Process one character and say whether it completes a row."""
        if self._state == QUOTED:
            if character == self._dialect.quote:
                self._state = AFTER_QUOTE
            else:
                self._field.append(character)
            return False
        if self._state == AFTER_QUOTE and character == self._dialect.quote:
            self._field.append(character)
            self._state = QUOTED
        elif self._state == START and character == self._dialect.quote:
            self._state = QUOTED
        elif character == self._dialect.delimiter:
            self._end_field()
        elif character == "\n":
            return self._end_line()
        elif character == "\r":
            pass
        elif self._state == AFTER_QUOTE:
            raise FormatError(self.line, f"unexpected {character!r} after a quote")
        else:
            self._field.append(character)
            self._state = PLAIN
        return False

    def _end_field(self):
        self._row.append("".join(self._field))
        self._field.clear()
        self._state = START

    def _end_line(self):
        """Close the line and say whether it holds a row or is blank."""
        if not self._row and self._state == START:
            return False
        self._end_field()
        return True

    def _take_row(self):
        row, self._row = self._row, []
        return row


def read_rows(text, dialect=EXCEL):
    """Return all rows of a text as lists of strings."""
    return list(RowReader(text, dialect))
