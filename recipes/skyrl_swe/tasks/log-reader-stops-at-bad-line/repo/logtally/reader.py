"""From lines to records."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .record import MalformedLine, Record, parse_line


@dataclass
class ReadStats:
    """What a reader has seen so far."""

    lines: int = 0
    records: int = 0
    skipped: int = 0

    @property
    def skipped_share(self) -> float:
        """The part of the requests that could not be read, from 0 to 1."""
        requests = self.records + self.skipped
        return self.skipped / requests if requests else 0.0


def read_records(lines: Iterable[str], stats: ReadStats, strict: bool = False) -> Iterator[Record]:
    """Yield the records of ``lines`` and keep ``stats`` up to date.

    Comments and empty lines are passed over.
    """
    try:
        for line in lines:
            stats.lines += 1
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            record = parse_line(text)
            stats.records += 1
            yield record
    except MalformedLine as error:
        if strict:
            raise MalformedLine(error.message, stats.lines) from error
        stats.skipped += 1
