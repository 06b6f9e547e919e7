"""What telling W&B costs the loop of the scheduler: per step, and per sample.

    python -m benchmarks.wandb [--steps 200000] [--engines 64] [--json FILE]

W&B itself works in a thread and a process of its own; what is measured is what happens on the loop.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks import report
from benchmarks.report import Figure
from thunderagent.adapters.engines.reading import Rank
from thunderagent.adapters.tracking import Sampler
from thunderagent.adapters.tracking.tables import StepTables
from thunderagent.core import ThunderPolicy
from thunderagent.runtime import Runtime, StepProfile

AT_MOST_US_PER_STEP = 10.0
"""Half of what all profiling of a step may take."""
AT_MOST_MS_PER_SAMPLE = 10.0
"""Every ten seconds: a thousandth of a core, and no turn waits for longer."""
SAMPLES = 50


def main() -> None:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wandb", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=200_000, help="between the samples (default: 200000)")
    parser.add_argument("--engines", type=int, default=64, help="how many (default: 64)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures = measure(options.steps, options.engines)
    report.print_table(f"Telling W&B of {options.steps:,} steps on {options.engines} engines", figures)
    if options.json is not None:
        report.write(options.json, figures)


def measure(steps: int, engines: int) -> dict[str, Figure]:
    """CPU time of the thread, which is that of the loop."""
    runtime = Runtime(ThunderPolicy())
    rank = Rank(0, 1_000_000, usage=0.5, running=10, waiting=2, preemptions=1, queried_tokens=10_000, hit_tokens=9_000)
    for number in range(engines):
        runtime.add_backend(f"http://engine:{number}", rank.capacity_tokens)
    sampler, tables = Sampler(runtime, lambda backend: rank), StepTables()
    profiles = [_profile(number) for number in range(1_000)]
    per_sample = max(1, steps // SAMPLES)
    step_s = sample_s = 0.0
    for _ in range(SAMPLES):
        began_s = time.thread_time()
        for number in range(per_sample):
            profile = profiles[number % len(profiles)]
            sampler.took_step(profile)
            tables.took_step(profile)
        ended_s = time.thread_time()
        sampler.sample()
        tables.take()
        step_s, sample_s = step_s + ended_s - began_s, sample_s + time.thread_time() - ended_s
    return {
        "wandb_per_step": Figure(step_s / (SAMPLES * per_sample) * 1e6, "us", at_most=AT_MOST_US_PER_STEP),
        f"wandb_per_sample_{engines}_engines": Figure(sample_s / SAMPLES * 1e3, "ms", at_most=AT_MOST_MS_PER_SAMPLE),
    }


def _profile(number: int) -> StepProfile:
    """Waits of all lengths, so that the table of the longest changes."""
    return StepProfile(
        program_id=f"p{number}",
        step_id=3,
        prefill_s=0.5,
        decode_s=4.0,
        pause_s=(number * 7919 % 1_000) / 100,
        tool_call_s=3.0,
        kv_hit_rate=0.9,
        completed_at=1e9,
        arrived_at=1e9 - 8,
        queue_s=0.1,
        prompt_tokens=9_000,
        cached_tokens=8_000,
        completion_tokens=300,
        reprefilled_tokens=0,
        backend="http://engine:0",
        group="",
        phase="train",
        outcome="completed",
    )


if __name__ == "__main__":
    main()
