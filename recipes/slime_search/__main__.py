"""``scripts/with-slime PATH python -m recipes.slime_search +thunder=on``"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from recipes.common import entry

NEEDED = (
    *("hydra", "omegaconf", "rich", "psutil", "matplotlib", "wandb", "aiohttp", "orjson", "tokenizers", "transformers", "torch"),
    *("uvicorn", "uvloop", "httptools", "starlette", "msgspec"),
)
NO_SLIME = (
    "slime is not importable: get its source (git clone https://github.com/THUDM/slime) and run "
    "scripts/with-slime PATH_TO_IT python -m {module}; the package of this name in registries is another project"
)


def main() -> None:
    """Run the recipe."""
    require_slime("recipes.slime_search")
    entry.run(NEEDED, _load)


def require_slime(module: str) -> None:
    """End with a line that says how to get slime, unless it is there; ``module`` is what to run then."""
    if not _has_slime():
        entry.fail(NO_SLIME.format(module=module))


def _has_slime() -> bool:
    """Whether it is the right one: the other project has no rollouts."""
    try:
        return importlib.util.find_spec("slime.rollout") is not None
    except ModuleNotFoundError:  # no slime at all, or one that is no package
        return False


def _load() -> tuple[Callable[[], None], Any]:
    from recipes.slime_search.app import app
    from recipes.slime_search.config import RecipeConfig

    return app, RecipeConfig


if __name__ == "__main__":
    main()
