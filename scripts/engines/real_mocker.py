"""The mocker of ai-dynamo, a simulated engine that others wrote, in an environment of its own.

scripts/real-mocker setup                       install it, once for all checkouts: 0.7 GB, a minute or two
scripts/real-mocker replay TRACE.jsonl          a trace in simulated time, the report as JSON on stdout
scripts/real-mocker serve --port 8000           a frontend and one mocker worker

Traces are in the Mooncake format (session_id, timestamp or delay, input_length, output_length, hash_ids). One step of the
mocker costs, as one of ours: prefill tokens / --prefill-tokens-per-s + --decode-step-s + context of all decoding
requests x --decode-s-per-kv-token; the last two only if a request decodes in it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import SCRIPTS, Environment

ENVIRONMENT = Environment("real-mocker", SCRIPTS / "locks" / "mocker.lock.txt")
TINY = ENVIRONMENT.tiny_model()


def main() -> None:
    """The command line."""
    options = _parse()
    if options.command == "setup":
        setup()
        return
    ENVIRONMENT.require()
    if options.command == "replay":
        replay(options)
    else:
        serve(options)


def setup() -> None:
    """Install the mocker and make the tokenizer that its frontend needs."""
    ENVIRONMENT.make()
    ENVIRONMENT.make_tiny_model()


def replay(options: argparse.Namespace) -> None:
    """Become the replay."""
    job = {name: value for name, value in vars(options).items() if name != "command"} | {"trace": str(options.trace)}
    ENVIRONMENT.replace_this_process(str(SCRIPTS / "engines" / "mocker_replay.py"), json.dumps(job))


def serve(options: argparse.Namespace) -> None:
    """Run worker and frontend until one of them ends."""
    plane = ("--discovery-backend", "file", "--request-plane", "tcp", "--event-plane", "zmq")
    namespace = f"mocker{options.port}"
    with tempfile.TemporaryDirectory() as discovery:
        variables = {**os.environ, "DYN_FILE_KV": discovery, "HF_HUB_OFFLINE": "1", "DYN_TCP_RPC_HOST": options.host}
        sizes = ("--num-gpu-blocks-override", str(options.blocks), "--block-size", str(options.block_size))
        limits = ("--max-num-seqs", str(options.max_seqs), "--max-num-batched-tokens", str(options.max_batched_tokens))
        model = ("--model-path", str(TINY), "--model-name", "tiny", "--speedup-ratio", str(options.speedup_ratio))
        worker = ("-m", "dynamo.mocker", *model, *sizes, *limits, *plane, "--endpoint", f"dyn://{namespace}.backend.generate")
        address = ("--http-host", options.host, "--http-port", str(options.port), "--namespace", namespace)
        frontend = ("-m", "dynamo.frontend", *address, *plane, "--router-mode", "kv")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that a plain kill ends both processes, too
        with contextlib.ExitStack() as ends:
            processes = []
            for arguments in (worker, frontend):
                process = subprocess.Popen([str(ENVIRONMENT.python), *arguments], env=variables)
                ends.callback(process.terminate)
                processes.append(process)
            with contextlib.suppress(KeyboardInterrupt):
                os.wait()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/real-mocker", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help=f"make {ENVIRONMENT.folder}; does nothing when it is there")
    shape = argparse.ArgumentDefaultsHelpFormatter
    player = commands.add_parser("replay", help="replay a trace in simulated time", formatter_class=shape)
    player.add_argument("trace", type=Path)
    player.add_argument("--prefill-tokens-per-s", type=float, default=9_000.0)
    player.add_argument("--decode-step-s", type=float, default=0.020, help="at least 0.001, the mocker's shortest step")
    player.add_argument("--decode-s-per-kv-token", type=float, default=65e-9)
    server = commands.add_parser("serve", help="start a server", formatter_class=shape)
    server.add_argument("--port", type=int, required=True)
    server.add_argument("--host", default="127.0.0.1")
    server.add_argument("--speedup-ratio", type=float, default=1.0, help="not 0: then no time passes at all")
    for command in (player, server):
        command.add_argument("--blocks", type=int, default=256, help="usable KV blocks")
        command.add_argument("--block-size", type=int, default=32, help="tokens per block")
        command.add_argument("--max-seqs", type=int, default=64, help="requests that run at a time")
        command.add_argument("--max-batched-tokens", type=int, default=2_048, help="tokens that one step computes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
