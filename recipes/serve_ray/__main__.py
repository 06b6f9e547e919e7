"""``python -m recipes.serve_ray +thunder=on``"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from recipes.common import entry
from recipes.serve.__main__ import NEEDED


def main() -> None:
    """Run the recipe."""
    for argument in sys.argv[1:]:
        if argument.lstrip("+").startswith(("gateway.api_keys", "gateway.admin_keys")):
            entry.fail("gateway: keys are given by api_key_file=FILE, admin_key_file=FILE or in the environment")
        if argument in ("-m", "--multirun"):
            entry.fail("-m: gateways serve until they are stopped; start off and on one after the other")
    os.environ.setdefault("RAY_SERVE_LOG_TO_STDERR", "0")  # its lines are in Ray's own files
    entry.run((*NEEDED, "ray", "grpc"), _load, extra="ray")


def _load() -> tuple[Callable[[], None], Any]:
    from recipes.serve_ray.app import app
    from recipes.serve_ray.config import ServeRayConfig

    return app, ServeRayConfig


if __name__ == "__main__":
    main()
