"""The commands of an engine that is served here: `setup`, `check`, `model`, `serve`, and what these have in common."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from environment import Environment

VARIABLES = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # A tiny model gains nothing from threads.
    "OMP_NUM_THREADS": "1",
}
"""Of every server."""


def run(
    environment: Environment,
    description: str,
    serve: Callable[[argparse.Namespace, list[str]], None],
    options: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Parse and do it. ``options`` adds those of `serve` that are the engine's own; what follows ``--`` goes to the engine."""
    asked, more = _parse(environment, description, options)
    if asked.command == "setup":
        environment.make()
        environment.make_tiny_model()
        return
    environment.require(tiny_model=asked.command == "check" or getattr(asked, "model", None) == environment.tiny_model())
    if asked.command == "check":
        return
    if asked.command == "model":
        environment.make_model(asked.folder, *more)
    elif not (asked.model / "config.json").exists():
        sys.exit(f"error: --model is {asked.model}, it must be a folder with a config.json")
    else:
        serve(asked, more)


def load_options(model: Path) -> list[str]:
    """Weights are drawn at random where a model's folder has none. Left alone, engines take fewer bits than a model says."""
    dtype = json.loads((model / "config.json").read_text(encoding="utf-8")).get("dtype", "auto")
    return ["--dtype", dtype, *([] if any(model.glob("*.safetensors")) else ["--load-format", "dummy"])]


def _parse(
    environment: Environment, description: str, options: Callable[[argparse.ArgumentParser], None]
) -> tuple[argparse.Namespace, list[str]]:
    own, more = sys.argv[1:], []
    if "--" in own:
        cut = own.index("--")
        own, more = own[:cut], own[cut + 1 :]
    parser = argparse.ArgumentParser(
        prog=f"scripts/{environment.script}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help=f"make {environment.folder}; does nothing when it is there")
    commands.add_parser("check", help="say what is to be done, and end with 1, if it is not there")
    model = commands.add_parser("model", help="make another model; sizes as in the example above")
    model.add_argument("folder", type=Path)
    server = commands.add_parser("serve", help="start a server", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    server.add_argument("--port", type=int, required=True)
    server.add_argument("--host", default="127.0.0.1")
    server.add_argument(
        "--model", type=Path, default=environment.tiny_model(), help="a folder; without weights in it they are drawn at random"
    )
    server.add_argument("--served-model-name", default="tiny", help="what requests call the model")
    server.add_argument("--max-seqs", type=int, default=64, help="requests that run at a time")
    server.add_argument("--max-model-len", type=int, default=4_096, help="longest prompt with output, at most --kv-tokens")
    options(server)
    if own[:1] == ["model"]:
        return parser.parse_known_args(own)
    return parser.parse_args(own), more
