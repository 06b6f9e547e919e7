"""``python -m examples``: all examples that can run on this machine, one after another."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

OUTPUTS = Path("outputs/examples")
TIMEOUT_S = 300.0
"""Each takes less than a minute and a half on two cores; one that hangs must not hold up the others for ever."""
END_TIMEOUT_S = 30.0
"""For an example that was told to end: frameworks end their processes."""


@dataclass(frozen=True)
class Command:
    """How an example is run where there is no GPU."""

    module: str
    arguments: tuple[str, ...] = ()
    needs: str = ""
    """A module that not every machine can import."""
    how: str = ""
    """Where to get it."""


SLIME = "a checkout of slime: scripts/with-slime SLIME python -m examples"
EXAMPLES = {
    "openai_client": Command("examples.openai_client"),
    "anthropic_client": Command("examples.anthropic_client"),
    "mini_swe_agent": Command("examples.mini_swe_agent"),
    "openhands_like": Command("examples.openhands_like"),
    "tool_orchestra_like": Command("examples.tool_orchestra_like"),
    "replay_your_trace": Command("examples.replay_your_trace"),
    "skyrl_swe": Command("recipes.skyrl_swe", ("+thunder=on", "rollout.steps=1"), needs="skyrl", how="thunderagent[recipes]"),
    "skyrl_custom_generator": Command("examples.skyrl_custom_generator", needs="skyrl", how="thunderagent[recipes]"),
    "slime_search": Command("recipes.slime_search", ("+thunder=on", "rollout.steps=1"), needs="slime", how=SLIME),
    "slime_custom_generate": Command("examples.slime_custom_generate", needs="slime", how=SLIME),
}
"""By name: a folder here, with a README.md that says more."""


def main() -> None:
    """Exit status 1 if one fails."""
    parser = argparse.ArgumentParser(prog="python -m examples", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these [{', '.join(EXAMPLES)}]")
    names = parser.parse_args().names
    if unknown := set(names) - set(EXAMPLES):
        parser.error(f"there is no example {', '.join(sorted(unknown))}; there are {', '.join(EXAMPLES)}")
    OUTPUTS.mkdir(parents=True, exist_ok=True)
    began_s = time.monotonic()
    failed = [name for name in names or EXAMPLES if not _ran(name, EXAMPLES[name])]
    print(f"all together: {time.monotonic() - began_s:.0f} s" + (f"; failed: {', '.join(failed)}" if failed else ""))
    sys.exit(1 if failed else 0)


def _ran(name: str, command: Command) -> bool:
    """Whether it ended well, or cannot run here."""
    if command.needs and importlib.util.find_spec(command.needs) is None:
        print(f"{name}: skipped, needs {command.how}", flush=True)
        return True
    log, began_s = OUTPUTS / f"{name}.log", time.monotonic()
    with log.open("wb") as output:
        words = [sys.executable, "-m", command.module, *command.arguments]
        process = subprocess.Popen(words, stdout=output, stderr=output)
    try:
        status = process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.terminate()  # it ends what it has started
        status = -1
    finally:
        _end(process)
    how = "ok" if status == 0 else f"FAILED (status {status}), see {log}"
    print(f"{name}: {how}, {time.monotonic() - began_s:.0f} s", flush=True)
    return status == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
