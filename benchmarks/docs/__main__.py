"""The command line."""

from __future__ import annotations

from benchmarks import parts
from benchmarks.docs import every_example, package, site

EXPLANATION = """\
What a newcomer meets.

  site      seconds that the documentation site takes to build, strictly; clicks from its first page to any other
  package   size of the package alone in a fresh environment; CPU time of importing it there, median of 15 processes
  examples  seconds that all examples take which can run on this machine (python -m examples)

examples
  python -m benchmarks.docs
  python -m benchmarks.docs --only site --only package --json docs.json
"""
PARTS: parts.Parts = {"site": site.measure, "package": package.measure, "examples": every_example.measure}

if __name__ == "__main__":
    parts.run("docs", "Documentation and examples", EXPLANATION, PARTS)
