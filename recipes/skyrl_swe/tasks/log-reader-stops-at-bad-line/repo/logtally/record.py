"""One line of a log."""

from datetime import datetime
from typing import NamedTuple


class MalformedLine(ValueError):
    """A line that is not a request; ``number`` is known when it comes from a reader."""

    def __init__(self, message: str, number: int | None = None):
        super().__init__(message if number is None else f"line {number}: {message}")
        self.message = message
        self.number = number


class Record(NamedTuple):
    time: datetime
    method: str
    path: str
    status: int
    milliseconds: float

    @property
    def is_error(self) -> bool:
        return self.status >= 400


def parse_line(line: str) -> Record:
    """Read a line or raise MalformedLine."""
    fields = line.split()
    if len(fields) != 5:
        raise MalformedLine(f"{len(fields)} fields instead of 5")
    time, method, path, status, milliseconds = fields
    try:
        record = Record(datetime.fromisoformat(time), method, path, int(status), float(milliseconds))
    except ValueError as error:
        raise MalformedLine(str(error)) from error
    if not 100 <= record.status <= 599:
        raise MalformedLine(f"status {record.status} does not exist")
    if record.milliseconds < 0:
        raise MalformedLine("negative duration")
    return record
