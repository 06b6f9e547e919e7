"""SGLang's server with stand-ins (`sglang_stubs`) for two packages of GPU machines. Its worker processes run this, too."""

from __future__ import annotations

import sys
from pathlib import Path

STUBS = str(Path(__file__).parent / "sglang_stubs")
sys.path = [folder for folder in sys.path if folder != STUBS]  # a worker process begins with its parent's

from transformers.utils import is_torchvision_available  # noqa: E402

# Remembered by transformers: it does without torchvision, of which there is only as much as SGLang's own imports need.
is_torchvision_available()
sys.path.append(STUBS)

if __name__ == "__main__":
    from sglang.launch_server import run_server
    from sglang.srt.server_args import prepare_server_args

    run_server(prepare_server_args(sys.argv[1:]))
