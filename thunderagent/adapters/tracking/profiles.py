"""Profiles on disk, of steps and of sandboxes: a CSV and a JSONL file each, written by a thread of their own."""

from __future__ import annotations

import csv
import json
import queue
import threading
from dataclasses import asdict, fields
from pathlib import Path
from typing import Generic, TypeVar

from thunderagent.runtime import StepProfile
from thunderagent.runtime.tools.profile import SandboxProfile

T = TypeVar("T", StepProfile, SandboxProfile)
CSV_COLUMNS = [field.name for field in fields(StepProfile)]
"""Column order of ``profile.csv``; its first eight are those of the published system."""
NAMES: dict[type[StepProfile] | type[SandboxProfile], str] = {StepProfile: "profile", SandboxProfile: "sandboxes"}
"""Of their files, without their ends."""


class ProfileWriter(Generic[T]):
    """Takes profiles of one kind on any thread without blocking it; whole lines reach the files within a moment."""

    def __init__(self, directory: Path, kind: type[T]) -> None:
        """Create the directory and empty files with the CSV header in it."""
        directory.mkdir(parents=True, exist_ok=True)
        self._queue: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._csv = (directory / f"{NAMES[kind]}.csv").open("w", newline="", encoding="utf-8")
        self._jsonl = (directory / f"{NAMES[kind]}.jsonl").open("w", encoding="utf-8")
        self._rows = csv.writer(self._csv)
        self._rows.writerow(field.name for field in fields(kind))
        self._csv.flush()
        self._thread = threading.Thread(target=self._write_all, name=f"thunderagent-{NAMES[kind]}", daemon=True)
        self._thread.start()

    def put(self, profile: T) -> None:
        """Queue one."""
        self._queue.put(profile)

    def close(self) -> None:
        """Write what is queued and close the files; calling it again does nothing."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _write_all(self) -> None:
        with self._csv, self._jsonl:
            while True:
                profile = self._queue.get()
                if profile is None:
                    return
                values = asdict(profile)
                self._rows.writerow("" if value is None else value for value in values.values())
                self._jsonl.write(json.dumps(values) + "\n")
                if self._queue.empty():  # one flush for a burst
                    self._csv.flush()
                    self._jsonl.flush()
