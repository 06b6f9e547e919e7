"""Step profiles on disk: ``profile.csv`` and ``profile.jsonl``, written by a thread of their own."""

from __future__ import annotations

import csv
import json
import queue
import threading
from dataclasses import asdict, fields
from pathlib import Path

from thunderagent.runtime import StepProfile

CSV_COLUMNS = [field.name for field in fields(StepProfile)]
"""Column order of ``profile.csv``; its first eight are those of the published system."""


class ProfileWriter:
    """Takes steps on any thread without blocking it; whole lines reach the files within a moment."""

    def __init__(self, directory: Path) -> None:
        """Create the directory and empty files with the CSV header in it."""
        directory.mkdir(parents=True, exist_ok=True)
        self._queue: queue.SimpleQueue[StepProfile | None] = queue.SimpleQueue()
        self._csv = (directory / "profile.csv").open("w", newline="", encoding="utf-8")
        self._jsonl = (directory / "profile.jsonl").open("w", encoding="utf-8")
        self._rows = csv.writer(self._csv)
        self._rows.writerow(CSV_COLUMNS)
        self._csv.flush()
        self._thread = threading.Thread(target=self._write_all, name="thunderagent-profiles", daemon=True)
        self._thread.start()

    def put(self, step: StepProfile) -> None:
        """Queue one step."""
        self._queue.put(step)

    def close(self) -> None:
        """Write what is queued and close the files; calling it again does nothing."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _write_all(self) -> None:
        with self._csv, self._jsonl:
            while True:
                step = self._queue.get()
                if step is None:
                    return
                values = asdict(step)
                self._rows.writerow("" if value is None else value for value in values.values())
                self._jsonl.write(json.dumps(values) + "\n")
                if self._queue.empty():  # one flush for a burst
                    self._csv.flush()
                    self._jsonl.flush()
