"""SGLang on a CPU, in an environment of its own, serving a tiny random-weight model made here.

scripts/real-sglang setup                                      install it, once for all checkouts: 2 to 4 GB, some minutes
scripts/real-sglang serve --port 8000                          a KV cache of 8,192 tokens, 64 requests at a time
scripts/real-sglang serve --port 8000 --kv-tokens 2560 --max-seqs 16 -- --enable-priority-scheduling
scripts/real-sglang model FOLDER --hidden 512 --layers 8 --heads 8 --kv-heads 2
scripts/real-sglang serve --port 8000 --model FOLDER

The server is up in half a minute. It has /generate, /v1/completions and /v1/chat/completions, /metrics, /v1/loads,
/server_info, /flush_cache, /pause_generation and /continue_generation. What follows -- goes to SGLang's server. Its own
code is all real: scheduler, radix cache, tokenizer, HTTP. What it would take from GPU packages is in
scripts/engines/sglang_stubs. Without a GPU, PyTorch's CPU build saves some GB: set PIP_EXTRA_INDEX_URL to PyTorch's
index of CPU builds for the setup. THUNDERAGENT_ENGINES names another folder for the environment.
"""

from __future__ import annotations

import argparse

import command_line
from environment import SCRIPTS, Environment

ENVIRONMENT = Environment("real-sglang", SCRIPTS / "locks" / "sglang-cpu.lock.txt", "torch")
VARIABLES = command_line.VARIABLES | {
    # Its CPU engine needs kernels that are built for it alone; without, it takes PyTorch's.
    "SGLANG_USE_CPU_ENGINE": "0",
}


def main() -> None:
    """The command line."""
    command_line.run(ENVIRONMENT, __doc__, serve, add_options)


def serve(options: argparse.Namespace, more: list[str]) -> None:
    """Become the server."""
    arguments = {
        "--model-path": options.model,
        "--served-model-name": options.served_model_name,
        "--host": options.host,
        "--port": options.port,
        "--max-total-tokens": options.kv_tokens,
        "--context-length": min(options.max_model_len, options.kv_tokens),
        "--max-running-requests": options.max_seqs,
        "--chunked-prefill-size": options.max_batched_tokens,
        "--device": "cpu",
        "--attention-backend": "torch_native",
        "--sampling-backend": "pytorch",
        "--grammar-backend": "none",
        # Of memory, for model and KV cache; --max-total-tokens is far below.
        "--mem-fraction-static": 0.05,
    }
    ENVIRONMENT.replace_this_process(
        str(SCRIPTS / "engines" / "sglang_cli.py"),
        *(str(part) for pair in arguments.items() for part in pair),
        *command_line.load_options(options.model),
        "--disable-overlap-schedule",
        "--disable-cuda-graph",
        "--skip-server-warmup",
        "--sleep-on-idle",
        "--enable-metrics",
        "--enable-cache-report",
        *more,
        variables=VARIABLES,
    )


def add_options(server: argparse.ArgumentParser) -> None:
    """Of `serve`."""
    server.add_argument("--kv-tokens", type=int, default=8_192, help="KV cache")
    server.add_argument("--max-batched-tokens", type=int, default=2_048, help="tokens of prompts that one step computes")


if __name__ == "__main__":
    main()
