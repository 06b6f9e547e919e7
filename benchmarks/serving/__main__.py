"""The command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.serving import arms, engine
from benchmarks.serving.figures import figures
from benchmarks.serving.setups import SETUPS
from recipes.serve.agents.tally import Tally

EXPLANATION = f"""\
The same chat agents (pauses between turns, growing contexts, four times the KV cache at the end) before the same real engine:
alone, behind static caps, the published policy `tr`, and `thunder`; each from an empty cache, one after the other.

cpu: {SETUPS["cpu"].meaning}.
     Needs its environment, once: scripts/real-vllm setup. Ten minutes a round on two quiet cores.
gpu: {SETUPS["gpu"].meaning}.
     Needs the command `vllm`, on a machine with a GPU.

Examples:
  python -m benchmarks.serving --json serving.json
  python -m benchmarks.serving --only "engine alone" thunder        two arms, three minutes
  python -m benchmarks.serving --setup gpu --rounds 3 --json gpu.json
  python -m benchmarks.serving --engine http://127.0.0.1:8000 --peer theirs=http://127.0.0.1:9000
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, also when a goal is missed."""
    options = _parser().parse_args(arguments)
    setup = SETUPS[options.setup]
    wanted = [arm for arm in arms.arms(setup.caps, dict(options.peer)) if not options.only or arm.name in options.only]
    if arms.THUNDER not in {arm.name for arm in wanted}:
        sys.exit(
            f"error: --only {' '.join(options.only)}: {arms.THUNDER} has to be among them, as everything is compared with it"
        )
    if options.engine is not None:
        return _measure(options.engine, options.model, wanted, options)
    with engine.engine(setup, options.setup) as url:
        return _measure(url, engine.MODEL, wanted, options)


def _measure(url: str, model: str, wanted: Sequence[arms.Arm], options: argparse.Namespace) -> int:
    setup = SETUPS[options.setup]
    runs: dict[str, list[Tally]] = {arm.name: [] for arm in wanted}
    for number in range(options.rounds):
        for arm in wanted:
            where = f"round {number + 1} of {options.rounds}, {arm.name}"

            def show(tally: Tally, where: str = where) -> None:
                if sys.stderr.isatty():
                    done = f"{len(tally.steps)} of {setup.agents * setup.plan.turns} turns"
                    print(f"\r{where}: {done}, {tally.steps_per_min:.0f}/min   ", end="", file=sys.stderr, flush=True)

            tally = arms.run(arm, setup, url, model=model, seed=number, on_step=show)
            runs[arm.name].append(tally)
            came_to = f"{tally.steps_per_min:.1f} steps/min, KV hit rate {tally.hit_rate:.2f}, worst turn {tally.turn_s(1):.1f} s"
            print(f"\r{where}: {came_to}", file=sys.stderr, flush=True)
    found = figures(runs)
    report.print_table(f"agents on a real engine: {setup.meaning}", found)
    if options.json is not None:
        report.write(options.json, found)
        print(f"written: {options.json}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description=(__doc__ or "") + EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--setup", choices=tuple(SETUPS), default="cpu", help="what on what [%(default)s]")
    add(
        "--rounds",
        type=int,
        default=1,
        metavar="N",
        help="of all arms, each with another seed; medians are reported [%(default)s]",
    )
    add("--only", nargs="+", default=[], metavar="ARM", help="of: engine alone, cap N, tr, thunder, and peers")
    add("--engine", metavar="URL", help="one that runs already (with VLLM_SERVER_DEV_MODE=1, and the setup's KV cache)")
    add("--model", default=engine.MODEL, help="what it is called there [%(default)s]")
    add("--peer", action="append", type=_peer, default=[], metavar="NAME=URL", help="another gateway, before the same --engine")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser


def _peer(text: str) -> tuple[str, str]:
    name, _, url = text.partition("=")
    if not name or not url.startswith("http"):
        raise argparse.ArgumentTypeError(f"{text} must be NAME=URL")
    return name, url


if __name__ == "__main__":
    sys.exit(main())
