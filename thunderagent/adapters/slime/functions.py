"""Functions that are named by their paths, as slime names them: the user's, slime's, ours."""

from __future__ import annotations

import functools
import importlib
import inspect
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from thunderagent.errors import ConfigError

GENERATE = "slime.rollout.sglang_rollout.generate"
ROLLOUT = "slime.rollout.sglang_rollout.generate_rollout"
FULLY_ASYNC = "slime.rollout.fully_async_rollout.generate_rollout_fully_async"
OUR_GENERATE = "thunderagent.adapters.slime.generate"
OUR_ROLLOUT = "thunderagent.adapters.slime.generate_rollout"
OURS = (OUR_GENERATE, OUR_ROLLOUT)
SUPPORTED = "slime 0.3 (as of August 2026), installed from its source: the package of this name in registries is another project"
NEEDED = {
    "slime.rollout.sglang_rollout": ("GenerateState", "generate", "generate_rollout"),
    "slime.rollout.base_types": ("RolloutFnTrainOutput", "RolloutFnEvalOutput"),
    "slime.utils.http_utils": ("post", "get_host_info"),
    "slime.utils.types": ("Sample",),
}
"""Of slime, for all that is done here."""


def require_slime() -> None:
    """Check that slime is there, and what is needed of it. Cheap once it has been imported.

    Raises:
        ConfigError: it is not, in one line with what is supported.
    """
    for module_name, names in NEEDED.items():
        try:
            module = importlib.import_module(module_name)
        except ImportError as error:
            raise ConfigError("slime", "missing", f"{error}; needed is {SUPPORTED}") from None
        lacking = [name for name in names if not hasattr(module, name)]
        if lacking:
            raise ConfigError(
                "slime", f"{module_name} without {', '.join(lacking)}", f"too old or too new; needed is {SUPPORTED}"
            )


def function_at(key: str, path: str) -> Callable[..., Any]:
    """The function of this path.

    Args:
        key: the setting that names it, for the error.
        path: ``package.module.function``.

    Raises:
        ConfigError: there is none.
    """
    module_name, _, name = path.rpartition(".")
    try:
        function = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(key, path, f"cannot be imported: {error}") from None
    if not callable(function):
        raise ConfigError(key, path, "is no function")
    found: Callable[..., Any] = function
    return found


async def call_generate(
    function: Callable[..., Any], args: Namespace, sample: Any, sampling_params: dict[str, Any], evaluation: bool
) -> Any:
    """As slime calls a custom generate function: ``evaluation`` is told to those that ask for it."""
    told = {"evaluation": evaluation} if _asks_for_evaluation(function) else {}
    return await function(args, sample, sampling_params, **told)


@functools.cache  # signatures are slow to look at, and this is done for every sample
def _asks_for_evaluation(function: Callable[..., Any]) -> bool:
    return "evaluation" in inspect.signature(function).parameters
