"""Profiles on their way to the disk: one thread writes, whatever the disk does."""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from thunderagent.adapters.tracking.files import ProfileFiles
from thunderagent.adapters.tracking.rows import KINDS, Profile
from thunderagent.config import ThunderConfig

logger = logging.getLogger(__name__)

FLUSH_S = 0.2
"""From a step to its line, at most: what a killed process loses. To wake the thread for every step would cost more."""
RETRY_S = 2.0
"""Between two tries at a disk that takes nothing."""
CLOSE_S = 10.0
"""For the last lines: a disk that hangs is not waited for without end."""
MAX_WAITING = 50_000
"""Profiles in memory, about 30 MB: ten seconds of a gateway at full load, hours of an RL run."""
CHUNK = 64
"""Profiles that become lines together, in some 0.2 ms, where they are put: while the thread made lines of them, on another core,
it and the event loop waited for each other's memory, which cost several times the work itself."""


@dataclass(slots=True, eq=False)
class _Chunk:
    """Profiles of one kind, on their way."""

    kind: type[Profile]
    profiles: list[Profile]
    """Until lines are made of them."""
    size: int
    lines: tuple[bytes, bytes] | None = None
    """JSONL and CSV; None: not made yet."""

    def make_lines(self) -> tuple[bytes, bytes]:
        """Once.

        Raises:
            TypeError: one of them cannot be written.
        """
        if self.lines is None:
            self.lines = KINDS[self.kind].lines(self.profiles)
            self.profiles.clear()
        return self.lines


class ProfileWriter:
    """Takes profiles on any thread without blocking it. A disk that takes nothing is told of once, and is tried again."""

    def __init__(
        self,
        directory: Path,
        *kinds: type[Profile],
        max_bytes: int = ThunderConfig.profile_max_bytes,
        keep: int = ThunderConfig.profile_keep,
    ) -> None:
        """Begin new files; those of an earlier run there become older ones.

        Args:
            directory: is made if it is not there.
            kinds: what will be put: ``StepProfile``, ``SandboxProfile``; each has two files of its own.
            max_bytes: of one JSONL file; then new ones are begun.
            keep: so many older ones stay.
        """
        self.dropped = 0
        """Profiles that were not written and will not be."""
        self._directory = directory
        self._files = {kind: ProfileFiles(directory, KINDS[kind], max_bytes, keep) for kind in kinds}
        self._new: dict[type[Profile], deque[Profile]] = {kind: deque() for kind in kinds}
        """What was put, and is in no chunk yet."""
        self._waiting: deque[_Chunk] = deque()
        self._queued = 0
        """Profiles in chunks that are not written."""
        self._lock = threading.Lock()
        """Of those who make chunks, so that they come in order."""
        self._failing = self._told_of_drops = False
        self._wake, self._closing = threading.Event(), threading.Event()
        try:
            for files in self._files.values():
                files.begin()
        except OSError as error:  # told now, while the user looks
            self._failed(error)
        self._thread = threading.Thread(target=self._write_all, name="thunderagent-profiles", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def put(self, profile: Profile) -> None:
        """Queue one; if too many wait, they are dropped."""
        new = self._new[type(profile)]
        new.append(profile)
        if len(new) >= CHUNK:
            self._gather(type(profile))
        if not self._wake.is_set():
            self._wake.set()

    def _gather(self, kind: type[Profile]) -> None:
        """Make chunks of all that is new."""
        new = self._new[kind]
        with self._lock:
            while new:
                profiles = [new.popleft() for _ in range(min(CHUNK, len(new)))]
                chunk = _Chunk(kind, profiles, len(profiles))
                if self._queued + chunk.size > MAX_WAITING:
                    self._drop(chunk.size, "the disk is slower than steps come")
                    continue
                with contextlib.suppress(TypeError):  # the thread finds out which of them
                    chunk.make_lines()
                self._queued += chunk.size
                self._waiting.append(chunk)

    def close(self) -> None:
        """Write what is queued and close the files; calling it again does nothing."""
        atexit.unregister(self.close)
        self._closing.set()
        self._wake.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            logger.warning("profiles in %s may lack their end: the disk has not answered for %g s", self._directory, CLOSE_S)

    def _write_all(self) -> None:
        pause_s = FLUSH_S
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(pause_s)  # more may come, and is written with it
            self._wake.clear()
            if self._drain():
                pause_s = FLUSH_S
            else:
                pause_s = RETRY_S
                self._wake.set()
        if not self._drain():
            self._drop(self._queued, "the disk takes nothing")
        for files in self._files.values():
            files.close()
        if self.dropped:
            logger.warning("profiles in %s lack %d lines", self._directory, self.dropped)

    def _drain(self) -> bool:
        """Write all that is queued; False: the disk does not take it now."""
        for kind in self._new:
            self._gather(kind)
        while self._waiting:
            chunk = self._waiting[0]
            try:
                self._files[chunk.kind].append(*chunk.make_lines())
            except TypeError:
                self._leave_out_bad_ones(chunk)
                continue
            except OSError as error:
                self._failed(error)
                return False
            self._waiting.popleft()
            with self._lock:
                self._queued -= chunk.size
            if self._failing:
                self._failing = False
                logger.warning("profiles are written to %s again", self._directory)
        return True

    def _leave_out_bad_ones(self, chunk: _Chunk) -> None:
        good = [profile for profile in chunk.profiles if self._can_be_written(profile)]
        with self._lock:
            self._queued -= chunk.size - len(good)
        chunk.size, chunk.profiles = len(good), good

    def _can_be_written(self, profile: Profile) -> bool:
        try:
            KINDS[type(profile)].lines([profile])
        except TypeError as error:
            self._drop(1, str(error))
            return False
        return True

    def _failed(self, error: OSError) -> None:
        if not self._failing:
            self._failing = True
            why = error.strerror or str(error)
            logger.warning("profiles cannot be written to %s (%s); all else goes on, and it is tried again", self._directory, why)

    def _drop(self, number: int, why: str) -> None:
        self.dropped += number
        if not self._told_of_drops:
            self._told_of_drops = True
            logger.warning("profiles are dropped: %s; all else goes on", why)
