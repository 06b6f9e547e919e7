"""Files of recorded traces, plain or compressed with gzip."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TextIO

from thunderagent.errors import TraceImportError
from thunderagent.simulation.traces import ImportedTrace, ImportOptions, read_trace

GZIP_MAGIC = b"\x1f\x8b"


def open_trace(path: Path, format: str | None = None, options: ImportOptions | None = None) -> ImportedTrace:
    """``read_trace`` of a file; whether it is compressed is told by its first bytes.

    Raises:
        TraceImportError: the file cannot be read, or holds nothing that can be replayed.
    """
    try:
        with _text(path) as lines:
            return read_trace(lines, format, options or ImportOptions())
    except (OSError, EOFError, zlib.error) as error:
        raise TraceImportError(f"{path} cannot be read: {error}") from None
    except TraceImportError as error:
        raise TraceImportError(f"{path}: {error}") from None


def _text(path: Path) -> TextIO:
    with path.open("rb") as file:
        compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    # What is no UTF-8 breaks its line, not the import; some tools begin their files with a byte order mark.
    if compressed:
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace")
    return path.open(encoding="utf-8-sig", errors="replace")
