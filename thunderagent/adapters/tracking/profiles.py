"""Profiles on their way to the disk: one thread writes, whatever the disk does."""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from pathlib import Path

from thunderagent.adapters.tracking.files import ProfileFiles
from thunderagent.adapters.tracking.rows import KINDS, Profile
from thunderagent.config import ThunderConfig

logger = logging.getLogger(__name__)

FLUSH_S = 0.2
"""From a step to its line, at most: what a killed process loses. Waking the thread for every step would cost more than writing."""
RETRY_S = 2.0
"""Between two tries at a disk that takes nothing."""
CLOSE_S = 10.0
"""For the last lines: a disk that hangs is not waited for without end."""
MAX_WAITING = 50_000
"""Profiles in memory, about 40 MB: ten seconds of a gateway at full load, hours of an RL run."""
CHUNK = 64
"""Profiles that are written together: between two chunks the event loop gets its turn, after some 0.3 ms."""


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
        self._waiting: deque[Profile] = deque()
        self._chunk: list[Profile] = []
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
        """Queue one; drop it if too many wait."""
        if len(self._waiting) >= MAX_WAITING:
            self._drop(1, "the disk is slower than steps come")
            return
        self._waiting.append(profile)
        if not self._wake.is_set():
            self._wake.set()

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
            self._drop(len(self._chunk) + len(self._waiting), "the disk takes nothing")
        for files in self._files.values():
            files.close()
        if self.dropped:
            logger.warning("profiles in %s lack %d lines", self._directory, self.dropped)

    def _drain(self) -> bool:
        """Write all that is queued; False: the disk does not take it now."""
        while self._chunk or self._waiting:
            if not self._chunk:
                self._take_chunk()
            kind = type(self._chunk[0])
            try:
                self._files[kind].append(*KINDS[kind].lines(self._chunk))
            except TypeError:
                self._chunk = [profile for profile in self._chunk if self._can_be_written(profile)]
                continue
            except OSError as error:
                self._failed(error)
                return False
            self._chunk = []
            if self._failing:
                self._failing = False
                logger.warning("profiles are written to %s again", self._directory)
        return True

    def _take_chunk(self) -> None:
        """The next ones of one kind."""
        kind = type(self._waiting[0])
        while self._waiting and len(self._chunk) < CHUNK and type(self._waiting[0]) is kind:
            self._chunk.append(self._waiting.popleft())

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
