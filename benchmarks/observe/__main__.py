"""The command line."""

from __future__ import annotations

from benchmarks import parts
from benchmarks.observe import dashboard, profiles, recorded, scrapes, spans

EXPLANATION = """\
What it costs to see what happens.

  profiles  CPU of the gateway at full load (32 connections, small bodies, an engine that answers at once) with profiles in memory
            and on disk, over the same without, in pairs of processes, round by round; CPU per step of recording and writing
  scrapes   time of GET /metrics with 10,000 programs, and with 100
  spans     CPU per turn of OpenTelemetry's spans: on the event loop, and in the thread that makes them
  dashboard frames per second of the page with 1,000 programs, in headless Chromium
  report    time and memory of `thunderagent report` with a profile of 1,000,000 steps

examples
  python -m benchmarks.observe
  python -m benchmarks.observe --quick --only profiles --json observe.json
"""
PARTS: parts.Parts = {
    "profiles": profiles.measure,
    "scrapes": scrapes.measure,
    "spans": spans.measure,
    "dashboard": dashboard.measure,
    "report": recorded.measure,
}

if __name__ == "__main__":
    parts.run("observe", "Seeing it", EXPLANATION, PARTS)
