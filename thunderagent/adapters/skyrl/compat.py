"""What has to be in place before SkyRL is imported."""

from __future__ import annotations

import sys
import types
import typing


def prepare_import() -> None:
    """Pydantic takes SkyRL 0.3.0's ``TypedDict`` from typing_extensions only, on Python before 3.12."""
    if sys.version_info < (3, 12):
        import typing_extensions  # comes with SkyRL

        typing.TypedDict = typing_extensions.TypedDict


def stub_fsdp_worker() -> None:
    """Let a run without models (``simulate_training``) start where flash-attn is not installed.

    SkyRL imports its FSDP workers even when it builds none. With real training, do not call this.
    """
    name = "skyrl.backends.skyrl_train.workers.fsdp.fsdp_worker"
    module = types.ModuleType(name)
    for worker in ("PolicyWorker", "CriticWorker", "RefWorker"):
        setattr(module, worker, None)
    sys.modules[name] = module
