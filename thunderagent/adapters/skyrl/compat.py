"""What has to be in place before SkyRL is imported, and which SkyRL it has to be."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import sys
import types
import typing
from typing import Any

from thunderagent.errors import ConfigError

SUPPORTED = "must be 0.3.0, or SkyRL's main branch of August 2026: pip install 'thunderagent[skyrl]'"
"""Both call themselves 0.3.0."""
SEAMS: dict[str, dict[str, tuple[str, ...]]] = {
    "skyrl.train.entrypoints.main_base": {
        "BasePPOExp": ("get_inference_client", "get_generator", "get_trainer", "get_tracker", "run"),
    },
    "skyrl.backends.skyrl_train.inference_servers.remote_inference_client": {
        "RemoteInferenceClient": (
            *("generate", "_post", "finish_session", "pause", "resume", "sleep", "wake_up", "reset_prefix_cache"),
            "increment_weight_version",
        ),
    },
    "skyrl.train.config": {"SkyRLTrainConfig": ("from_cli_overrides",)},
}
"""What is overridden or called, by module and class."""


def prepare_import() -> None:
    """Pydantic takes SkyRL 0.3.0's ``TypedDict`` from typing_extensions only, on Python before 3.12."""
    if sys.version_info < (3, 12):
        with contextlib.suppress(ImportError):  # it comes with SkyRL
            import typing_extensions

            typing.TypedDict = typing_extensions.TypedDict


def load(module: str) -> Any:
    """Import one of our modules that build on SkyRL.

    Raises:
        ConfigError: SkyRL is not installed, or not as it has to be.
    """
    try:
        require_seams()
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError("skyrl", _version(), f"{SUPPORTED} ({error})") from error


def require_seams() -> None:
    """Look at everything that is overridden.

    Raises:
        ConfigError: it is not there.
        ImportError: SkyRL, or something that it needs, is not installed.
    """
    for module, classes in SEAMS.items():
        imported = importlib.import_module(module)
        for name, attributes in classes.items():
            missing = [attribute for attribute in attributes if not hasattr(getattr(imported, name, None), attribute)]
            if missing:
                raise ConfigError("skyrl", _version(), f"{SUPPORTED} (its {name} has no {missing[0]})")


def _version() -> str:
    try:
        return importlib.metadata.version("skyrl")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def stub_fsdp_worker() -> None:
    """Let a run without models (``simulate_training``) start where flash-attn is not installed.

    SkyRL imports its FSDP workers even when it builds none. With real training, do not call this.
    """
    name = "skyrl.backends.skyrl_train.workers.fsdp.fsdp_worker"
    module = types.ModuleType(name)
    for worker in ("PolicyWorker", "CriticWorker", "RefWorker"):
        setattr(module, worker, None)
    sys.modules[name] = module


def complete_simulated_dispatch() -> None:
    """SkyRL's main branch ends with a call that its simulated trainer's dispatch does not know."""
    dispatch = importlib.import_module("skyrl.train.fully_async_trainer_sim")._SimDispatch
    if not hasattr(dispatch, "finalize_pending_saves"):
        dispatch.finalize_pending_saves = lambda self, model: None
