"""Profiles of runs, written and read as the program does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thunderagent.runtime import StepProfile
from thunderagent.study.recorded.run import Run, read_run
from thunderagent.study.recorded.steps import Steps

BEGAN = 1_700_000_000.0


def step(program: str = "a", number: int = 1, at_s: float = 0.0, **others: Any) -> dict[str, Any]:
    """A line: a step that arrives ``at_s`` after the run began; held back 1 s, queued 1 s, prefilled 1 s, decoded 2 s."""
    known = {
        "program_id": program, "step_id": number, "prefill_s": 1.0, "decode_s": 2.0, "pause_s": 1.0, "tool_call_s": 0.0,
        "kv_hit_rate": 0.5, "arrived_at": BEGAN + at_s, "completed_at": BEGAN + at_s + 5.0, "queue_s": 1.0, "prompt_tokens": 100,
        "cached_tokens": 50, "completion_tokens": 10, "reprefilled_tokens": 20, "backend": "http://engine", "group": "",
        "phase": "", "outcome": "completed", "tool": "bash",
    }  # fmt: skip
    assert {**known, **others}.keys() <= {*StepProfile.__dataclass_fields__, "schema"}
    return {**known, **others}


def write(path: Path, *lines: dict[str, Any]) -> Path:
    """A profile of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def run(folder: Path, *lines: dict[str, Any], name: str = "run") -> Run:
    """One that left these lines."""
    return read_run(write(folder / "profile.jsonl", *lines), name)


def steps(folder: Path, *lines: dict[str, Any]) -> Steps:
    """The steps of one that left these lines."""
    return run(folder, *lines).steps


def busy(programs: int = 50, each: int = 4, engines: int = 2) -> list[dict[str, Any]]:
    """A run of programs that take turns, the later ones longer."""
    return [
        step(
            f"train/{program}", number + 1, program + 10.0 * number, tool_call_s=5.0 * (number > 0),
            pause_s=0.02 * program, backend=f"http://engine-{program % engines}",
        )
        for number in range(each)
        for program in range(programs)
    ]  # fmt: skip
