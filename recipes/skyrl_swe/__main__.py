"""``python -m recipes.skyrl_swe +thunder=on``"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from recipes.common import entry

NEEDED = (
    *("hydra", "omegaconf", "rich", "psutil", "matplotlib", "yaml", "minisweagent", "wandb", "aiohttp", "orjson", "tokenizers"),
    *("ray", "torch", "skyrl", "skyrl_gym"),
)


def main() -> None:
    """Run the recipe."""
    entry.run(NEEDED, _load)


def _load() -> tuple[Callable[[], None], Any]:
    from recipes.skyrl_swe.app import app
    from recipes.skyrl_swe.config import RecipeConfig

    return app, RecipeConfig


if __name__ == "__main__":
    main()
