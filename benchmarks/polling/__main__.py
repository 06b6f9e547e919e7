"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from benchmarks import report
from benchmarks.report import Figure
from thunderagent import serving
from thunderagent.adapters.engines.watch import EngineWatch
from thunderagent.config import ThunderConfig

ENGINES = 64
AT_MOST_PERCENT = 2.0
PAGE = Path(__file__).parent / "vllm_metrics.txt"
"""Of a vLLM 0.32 at work, as it was."""
EXPLANATION = """\
The watch of the gateway looks at 64 engines, each as often as it does by default. They are one other process, which answers with
the page of a real vLLM (60 kB, 740 lines) or, where the watch asks for it and as vLLM does, with the wanted series of it alone;
whole pages are what a vLLM with several frontends gives. CPU time is that of the watch's process alone, with the gateway's event
loop (uvloop) and settings of the memory manager.

examples
  python -m benchmarks.polling
  python -m benchmarks.polling --seconds 30 --json polling.json
"""


def main() -> None:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.polling", description=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="how long it is measured (default: 10)")
    parser.add_argument("--engines", type=int, default=ENGINES, help=f"how many (default: {ENGINES})")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    serving.spare_the_memory_manager()
    figures = {}
    for name, whole in (("", False), ("_whole_pages", True)):
        with engines(options.engines, whole=whole) as urls:
            percent, looks = uvloop.run(polling(urls, options.seconds))
        goal = AT_MOST_PERCENT if options.engines == ENGINES and not whole else None
        figures[f"polling_{options.engines}_engines{name}"] = Figure(percent, "% of a core", at_most=goal)
        figures[f"cpu_per_look{name}"] = Figure(percent / 100 * options.seconds / max(looks, 1) * 1e6, "us")
    report.print_table(f"Looking at {options.engines} engines", figures)
    if options.json is not None:
        report.write(options.json, figures)


@contextlib.contextmanager
def engines(count: int, *, whole: bool) -> Iterator[list[str]]:
    """Their URLs. ``whole``: they cannot leave out of their page what is not wanted."""
    command = [sys.executable, "-m", "benchmarks.polling.engines", str(count), str(PAGE), *(["whole"] if whole else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield [f"http://127.0.0.1:{port}" for port in json.loads(process.stdout.readline())]
        finally:
            process.kill()


async def polling(urls: list[str], seconds: float) -> tuple[float, int]:
    """Percent of one core, and how many looks there were."""
    looks = 0

    async def sleep(delay_s: float) -> None:
        nonlocal looks
        looks += 1
        await asyncio.sleep(delay_s)

    def nothing(*_: object) -> None:
        pass

    watch = EngineWatch(
        urls,
        on_up=nothing,
        on_lost=nothing,
        on_cache_lost=nothing,
        on_doubt=nothing,
        poll_s=ThunderConfig.engine_poll_s,
        sleep=sleep,
    )
    await watch.start()
    try:
        await asyncio.sleep(2 * ThunderConfig.engine_poll_s)  # what is asked only once has been asked then
        looks, cpu_s, wall_s = 0, time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        percent = 100 * (time.process_time() - cpu_s) / (time.monotonic() - wall_s)
        assert all(status.capacity_tokens for status in watch.statuses), "every engine was read"
        return percent, looks
    finally:
        await watch.stop()


if __name__ == "__main__":
    main()
