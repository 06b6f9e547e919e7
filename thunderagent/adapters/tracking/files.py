"""The two files of one kind of profiles: whole lines, however writing ends, and others in their place when they are full."""

from __future__ import annotations

import contextlib
from pathlib import Path

from thunderagent.adapters.tracking.rows import Kind

ENDS = (".jsonl", ".csv")


class ProfileFiles:
    """``profile.jsonl`` and ``profile.csv`` hold the same steps; older ones are in ``profile.1.jsonl`` and so on, 1 the youngest.

    Nothing is held back in memory: what was appended is with the operating system, and outlives the process.
    """

    def __init__(self, directory: Path, kind: Kind, max_bytes: int, keep: int) -> None:
        """Nothing is opened yet.

        Args:
            directory: is made if it is not there.
            kind: what is written.
            max_bytes: of the JSONL file; then new ones are begun.
            keep: so many older ones stay.
        """
        self._directory, self._kind, self._max_bytes, self._keep = directory, kind, max_bytes, keep
        self._open: tuple[_Lines, _Lines] | None = None

    def begin(self) -> None:
        """Open new, empty ones; what is there already, of an earlier run too, becomes older.

        Raises:
            OSError: the disk is full, or may not be written.
        """
        self.close()
        self._directory.mkdir(parents=True, exist_ok=True)
        if _has_lines(self._path(0, ".jsonl")):
            self._shift()
        jsonl, rows = _Lines(self._path(0, ".jsonl")), _Lines(self._path(0, ".csv"))
        try:
            rows.append(self._kind.header)
        except OSError:
            jsonl.close()
            rows.close()
            raise
        self._open = jsonl, rows

    def append(self, jsonl: bytes, rows: bytes) -> None:
        """Whole lines, to both or to none.

        Raises:
            OSError: the disk is full, or may not be written; both are as before.
        """
        if self._open is None or 0 < self._open[0].size_bytes > self._max_bytes - len(jsonl):
            self.begin()
        assert self._open is not None, "they were opened"
        sizes_bytes = [lines.size_bytes for lines in self._open]
        try:
            self._open[0].append(jsonl)
            self._open[1].append(rows)
        except OSError:
            for lines, size_bytes in zip(self._open, sizes_bytes, strict=True):
                with contextlib.suppress(OSError):
                    lines.cut(size_bytes)
            raise

    def close(self) -> None:
        """May be called again."""
        for lines in self._open or ():
            with contextlib.suppress(OSError):
                lines.close()
        self._open = None

    def _path(self, age: int, end: str) -> Path:
        return self._directory / f"{self._kind.name}{f'.{age}' if age else ''}{end}"

    def _shift(self) -> None:
        """Each becomes one older, the oldest goes. Where it was broken off, calling it again goes on."""
        for end in ENDS:
            for age in range(self._keep, -1, -1):
                with contextlib.suppress(FileNotFoundError):
                    if age == self._keep:
                        self._path(age, end).unlink()
                    else:
                        self._path(age, end).rename(self._path(age + 1, end))


class _Lines:
    """One file, written without a buffer."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self.size_bytes = 0

    def append(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:  # a disk that becomes full takes a part first
            rest = rest[self._file.write(rest) :]
        self.size_bytes += len(data)

    def cut(self, size_bytes: int) -> None:
        self._file.truncate(size_bytes)
        self._file.seek(size_bytes)
        self.size_bytes = size_bytes

    def close(self) -> None:
        self._file.close()


def _has_lines(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
