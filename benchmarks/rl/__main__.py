"""The command line."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.report import Figure

EXPLANATION = """\
Two CPU cores, no GPU: the embedded engine stands for the real one, with the contexts of the programs in flight at about four
times its KV cache.

skyrl: rollouts of recipes.skyrl_swe off and on; CPU of a turn and weight syncs of its client, plain and ours.
slime: the same with recipes.slime_search; aborts with held programs. Needs slime's source:
       scripts/with-slime PATH python -m benchmarks.rl --json rl.json
"""
NO_SLIME = (
    "slime's rollouts, turns, aborts and weight updates, as slime is not importable: "
    "scripts/with-slime PATH python -m benchmarks.rl"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, also when a goal is missed."""
    options = _parser().parse_args(arguments)
    seeds = range(options.rounds)
    found: dict[str, Figure] = {}
    parts: dict[str, Callable[[Sequence[int]], dict[str, Figure]]] = {"skyrl": _skyrl, "slime": _slime}
    for name in options.only or parts:
        if name == "slime" and not _has_slime():
            print(f"skipped: {NO_SLIME}", file=sys.stderr)
            continue
        found |= parts[name](seeds)
    report.print_table("training steps of RL frameworks, embedded engine", found)
    if options.json is not None:
        report.write(options.json, found)
        print(f"written: {options.json}")
    return 0


def _skyrl(seeds: Sequence[int]) -> dict[str, Figure]:
    from benchmarks.rl import skyrl
    from benchmarks.rl.rollouts import figures

    return figures("SkyRL", "skyrl_swe", seeds) | skyrl.figures()


def _slime(seeds: Sequence[int]) -> dict[str, Figure]:
    from benchmarks.rl import slime
    from benchmarks.rl.rollouts import figures

    return figures("slime", "slime_search", seeds, ["rollout.steps=1"]) | slime.figures()


def _has_slime() -> bool:
    """The package of this name in registries is another project, which has no rollouts."""
    return importlib.util.find_spec("slime") is not None and importlib.util.find_spec("slime.rollout") is not None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rl", description=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--rounds", type=int, default=1, metavar="N", help="of rollouts off and on, each with another seed [%(default)s]")
    add("--only", nargs="+", choices=("skyrl", "slime"), default=[], help="of one framework")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
