"""What a report of a million steps costs: time, and memory at its highest."""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.report import Figure

STEPS = 1_000_000
ENGINES, AT_ONCE, STEPS_EACH = 8, 2_000, 50
TOOLS = ("bash", "edit", "search", "pytest")


def write_profile(path: Path, steps: int, seed: int = 0) -> None:
    """Programs that come as others go, whose steps lie between each other as in a run of a day."""
    random_ = random.Random(seed)
    slots = range(min(AT_ONCE, max(1, steps // STEPS_EACH)))
    clocks = [(1.8e9 + random_.random() * 60, slot, 0, 0) for slot in slots]
    with path.open("w", encoding="utf-8") as file:
        for number in range(steps):
            place = number % len(clocks)
            end, program, step, context = clocks[place]
            if step == STEPS_EACH:
                program, step, context = program + len(clocks), 0, 0
            line = _step(random_, program, step + 1, context, end)
            clocks[place] = line["completed_at"], program, step + 1, line["prompt_tokens"] + line["completion_tokens"]
            file.write(json.dumps(line) + "\n")


def _step(random_: random.Random, program: int, step: int, context: int, after: float) -> dict[str, Any]:
    tool_s, pause_s, queue_s = (
        random_.expovariate(0.3),
        random_.expovariate(0.5) * (random_.random() < 0.2),
        random_.random() * 0.1,
    )
    prompt, completion = context + random_.randrange(200, 2_000), random_.randrange(20, 800)
    cached = context if random_.random() < 0.7 else context // 4
    prefill_s, decode_s = (prompt - cached) / 20_000, completion / 60
    arrived = after + (tool_s if step > 1 else 0.0)
    return {
        "program_id": f"train/{program // 8}_{program % 8}",
        "step_id": step,
        "prefill_s": prefill_s,
        "decode_s": decode_s,
        "pause_s": pause_s,
        "tool_call_s": tool_s if step > 1 else 0.0,
        "kv_hit_rate": cached / prompt,
        "completed_at": arrived + pause_s + queue_s + prefill_s + decode_s,
        "arrived_at": arrived,
        "queue_s": queue_s,
        "prompt_tokens": prompt,
        "cached_tokens": cached,
        "completion_tokens": completion,
        "reprefilled_tokens": context - cached,
        "backend": f"http://engine-{program % ENGINES}:8000",
        "group": f"train/{program // 8}",
        "phase": "train",
        "outcome": "completed",
        "tool": random_.choice(TOOLS),
    }


def measure(quick: bool) -> dict[str, Figure]:
    """Generate, then report."""
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile.jsonl"
        write_profile(profile, STEPS // 10 if quick else STEPS)
        return _report(profile)


def _report(profile: Path) -> dict[str, Figure]:
    """The command, as a process of its own."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "thunderagent", "report", str(profile)]
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(sys.executable, command, dict(os.environ), file_actions=quiet)
    _, status, used = os.wait4(process, 0)
    took_s = time.perf_counter() - began
    if status:
        raise SystemExit(f"thunderagent report ended with status {os.waitstatus_to_exitcode(status)}")
    page = profile.with_name("report.html").stat().st_size
    return {
        "report_s": Figure(took_s, "s", at_most=60),
        "report_peak_rss_mb": Figure(used.ru_maxrss / 1024, "MB", at_most=2_000),
        "report_cpu_s": Figure(used.ru_utime + used.ru_stime, "s"),
        "report_page_mb": Figure(page / 1e6, "MB"),
        "report_profile_mb": Figure(profile.stat().st_size / 1e6, "MB"),
    }
