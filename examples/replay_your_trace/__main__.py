"""``python -m examples.replay_your_trace [TRACE]``: three commands, one after the other, each printed before it runs."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from examples.common import ENGINE, Parser
from recipes.common.entry import fail

ABOUT = "Records agents, unless you bring a trace, replays them with several policies, and makes pages of both."
POLICIES = ("default", "tr", "thunder")
"""The engine alone, the published policy, ours."""


def main() -> None:
    """Ends with the status of the first command that fails."""
    parser = Parser(prog="python -m examples.replay_your_trace", description=ABOUT, allow_abbrev=False)
    parser.add_argument("trace", type=Path, nargs="?", help="yours, in any format of thunderagent replay [one is recorded]")
    parser.add_argument("--out", type=Path, default=Path("outputs/replay_your_trace"), metavar="DIR", help="[%(default)s]")
    parser.add_argument("--policy", action="append", metavar="NAME", help=f"may be given several times [{', '.join(POLICIES)}]")
    parser.add_argument("--kv-capacity-tokens", type=int, default=ENGINE.kv_capacity_tokens, metavar="N", help="[%(default)s]")
    parser.add_argument("--programs", type=int, metavar="N", help="at any time, for traces without arrivals [as recorded]")
    options = parser.parse_args()
    trace: Path = options.trace or options.out / "profile.jsonl"
    if options.trace is None:
        _run("examples.openai_client", "--profile-dir", str(options.out))
    elif not trace.is_file():
        fail(f"trace {trace} is no file")
    policies = [word for name in options.policy or POLICIES for word in ("--policy", name)]
    programs = [] if options.programs is None else ["--programs", str(options.programs)]
    capacity = ("--set", f"kv_capacity_tokens={options.kv_capacity_tokens}")
    _run("thunderagent", "replay", str(trace), *policies, *programs, *capacity, "--out", str(options.out))
    if trace.name == "profile.jsonl":
        _run("thunderagent", "report", str(trace), "--out", str(options.out / "recorded.html"))


def _run(module: str, *arguments: str) -> None:
    shown = ("thunderagent",) if module == "thunderagent" else ("python", "-m", module)
    print(f"\n$ {shlex.join((*shown, *arguments))}", flush=True)
    if status := subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode:
        sys.exit(status)


if __name__ == "__main__":
    main()
