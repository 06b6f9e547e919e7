"""``python -m recipes.serve +thunder=on``"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from recipes.common import entry

NEEDED = (
    *("hydra", "omegaconf", "rich", "uvicorn", "uvloop", "httptools", "starlette", "aiohttp", "msgspec", "orjson"),
    *("prometheus_client", "tokenizers"),
)


def main() -> None:
    """Run the recipe."""
    for argument in sys.argv[1:]:  # Hydra would write a key to a file before anybody can refuse it
        if argument.lstrip("+").startswith(("gateway.api_keys", "gateway.admin_keys")):
            entry.fail("gateway: keys are given by api_key_file=FILE, admin_key_file=FILE or in the environment")
        if argument in ("-m", "--multirun"):
            entry.fail("-m: a gateway serves until it is stopped; start off and on one after the other, or at ports of their own")
    entry.run(NEEDED, _load, extra="serve")


def _load() -> tuple[Callable[[], None], Any]:
    from recipes.serve.app import app
    from recipes.serve.config import ServeConfig

    return app, ServeConfig


if __name__ == "__main__":
    main()
