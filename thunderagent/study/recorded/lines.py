"""Lines of profiles: decoded many at once, plain or gzip; broken ones are counted and left out."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BufferedIOBase
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from thunderagent.errors import ProfileError

SCHEMA = 1
"""The newest that is read: in later ones a column may mean something else. A line that tells none is of the first."""
CHUNK_BYTES = 4 << 20
"""Read at once: some ten thousand lines, so that decoding is quick and memory small."""
LONGEST_LINE_BYTES = 1 << 20
"""A line of a profile has half a kilobyte; what is longer is none, and is not gathered in memory."""
GZIP_MAGIC = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"

Seconds = Annotated[float, msgspec.Meta(ge=-1e11, le=1e11)]
"""Also Unix time; what is beyond is no time of any run."""
Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]


class StepLine(msgspec.Struct, gc=False):
    """What is read of ``StepProfile``."""

    program_id: str
    step_id: Count
    arrived_at: Seconds
    completed_at: Seconds
    prompt_tokens: Count
    completion_tokens: Count
    pause_s: Seconds = 0.0
    tool_call_s: Seconds = 0.0
    queue_s: Seconds | None = None
    prefill_s: Seconds | None = None
    decode_s: Seconds | None = None
    cached_tokens: Count | None = None
    reprefilled_tokens: Count | None = None
    backend: str = ""
    group: str = ""
    outcome: str = "completed"
    tool: str = ""


class SandboxLine(msgspec.Struct, gc=False):
    """What is read of ``SandboxProfile``."""

    program_id: str
    outcome: str
    prepare_s: Seconds
    waited_s: Seconds
    hidden_s: Seconds
    reused: bool = False


class _WithSchema(msgspec.Struct):
    schema: Any = SCHEMA


Line = TypeVar("Line", StepLine, SandboxLine)


class ProfileLines(Generic[Line]):
    """Of one file; iterate once, then ``broken`` and ``notes`` are complete."""

    def __init__(self, path: Path, kind: type[Line], progress: Callable[[int], None] = lambda _: None) -> None:
        """``progress`` is told how many bytes of the file have been read."""
        self.broken = 0
        self.problem = ""
        """Of the first broken line, with its number."""
        self.notes: list[str] = []
        self._path, self._progress = path, progress
        self._decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(kind)
        self._schema = msgspec.json.Decoder(_WithSchema)
        self._seen = 0

    def __iter__(self) -> Iterator[list[Line]]:
        """Some thousand at a time.

        Raises:
            ProfileError: the file cannot be read, or has a newer schema.
        """
        for chunk in self._chunks():
            self._check_schema(chunk)
            try:
                lines: list[Line] = self._decoder.decode_lines(chunk)
                self._seen += chunk.count(b"\n")
            except (msgspec.DecodeError, UnicodeDecodeError):
                lines = list(self._one_by_one(chunk))
            yield lines

    def told(self) -> list[str]:
        """What a reader has to know of this file."""
        if not self.broken:
            return self.notes
        is_broken = "1 line is broken and left out" if self.broken == 1 else f"{self.broken:,} lines are broken and left out"
        return [*self.notes, f"{self._path.name}: {is_broken}; the first: {self.problem}"]

    def _one_by_one(self, chunk: bytes) -> Iterator[Line]:
        for line in chunk.splitlines():
            self._seen += 1
            if not line.strip():
                continue
            try:
                yield self._decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                self._is_broken(str(error))

    def _is_broken(self, problem: str) -> None:
        self.broken += 1
        self.problem = self.problem or f"line {self._seen}: {problem}"

    def _check_schema(self, chunk: bytes) -> None:
        """Of its first line: a file may have been continued by a newer release."""
        try:
            schema = self._schema.decode(chunk.partition(b"\n")[0]).schema
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if not isinstance(schema, int) or schema > SCHEMA:
            raise ProfileError(
                f"{self._path} has schema {schema!r}, but this thunderagent reads profiles up to {SCHEMA}: update it"
            )

    def _chunks(self) -> Iterator[bytes]:
        """Whole lines."""
        rest = b""
        try:
            for block in self._blocks():
                whole, newline, after = block.rpartition(b"\n")
                if newline:
                    yield rest + whole + newline
                    rest = after
                elif len(rest) < LONGEST_LINE_BYTES:  # beyond, it is broken whatever comes
                    rest += block
        except OSError as error:
            raise ProfileError(f"{self._path} cannot be read: {error.strerror or error}") from None
        if rest:
            yield rest

    def _blocks(self) -> Iterator[bytes]:
        with ExitStack() as opened:
            raw = opened.enter_context(self._path.open("rb"))
            compressed = raw.peek(len(GZIP_MAGIC))[: len(GZIP_MAGIC)] == GZIP_MAGIC
            file: BufferedIOBase = opened.enter_context(gzip.open(raw)) if compressed else raw
            if block := self._read(file):
                yield block.removeprefix(BOM)
            while block := self._read(file):
                if raw.seekable():
                    self._progress(raw.tell())
                yield block

    def _read(self, file: BufferedIOBase) -> bytes:
        try:
            return file.read(CHUNK_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.notes.append(f"{self._path.name}: the compressed file is damaged, what comes after is not read ({error})")
            return b""
