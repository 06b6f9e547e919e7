"""One scheduler at a time has a store: a lock that goes with its process, however that ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path

from thunderagent.errors import StoreError


class StoreLock:
    """Held from when it is made. The file beside the store says who holds it; it stays, empty or not."""

    def __init__(self, store: Path) -> None:
        """
        Raises:
            StoreError: another scheduler has the store (says which process, and since when), or its folder is not writable.
        """
        path = store.with_name(store.name + ".lock")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(f"{path} cannot be written ({error.strerror}): name a file in a folder that you may write") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 200).decode("utf-8", "replace").strip()
            os.close(self._file)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise StoreError(f"{path} cannot be locked ({error.strerror}): a store has to be on a local disk") from None
            raise StoreError(
                f"{store} is in use by another scheduler ({holder or 'which has just started'}): "
                "end that one first, or give each its own store"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode(), 0)

    def release(self) -> None:
        """May be called again."""
        if self._file >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1
