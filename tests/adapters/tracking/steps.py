"""Steps to write, and a process of its own that writes them.

python -m tests.adapters.tracking.steps DIRECTORY NUMBER [crash | for-ever]
"""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path

from thunderagent.adapters.tracking import ProfileWriter, profiles
from thunderagent.runtime import StepProfile


def step(number: int, program_id: str = "train/0_1", tool: str = "") -> StepProfile:
    return StepProfile(
        program_id=program_id,
        step_id=number,
        prefill_s=None,
        decode_s=2.0,
        pause_s=0.5,
        tool_call_s=0.1,
        kv_hit_rate=0.9,
        completed_at=12.0,
        arrived_at=9.0,
        queue_s=None,
        prompt_tokens=100,
        cached_tokens=90,
        completion_tokens=7,
        reprefilled_tokens=0,
        backend="http://e:1",
        group="train/0",
        phase="train",
        outcome="completed",
        tool=tool,
    )


class Ballast(logging.Handler):
    """Gives way when the first warning comes: then there is room again."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):
            self._file.unlink()


def main(directory: Path, number: int, then: str = "") -> None:
    """Tells on stdout when it goes on after so many steps."""
    logging.basicConfig(format="%(levelname)s %(message)s")
    logging.getLogger().addHandler(Ballast(directory / "ballast"))
    profiles.RETRY_S = 0.01
    writer = ProfileWriter(directory, StepProfile)
    for index in range(number):
        writer.put(step(index))
    if then == "crash":
        raise SystemExit("it crashed")
    if then == "for-ever":
        while (directory / "profile.csv").read_bytes().count(b"\n") <= number:
            pass
        print("written", flush=True)
        while True:
            writer.put(step(number))
    writer.close()
    print("dropped", writer.dropped)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
