"""A pytest plug-in for slime's plug-in contracts: they give functions no arguments to speak of, with which slime's own, the inner
ones of ours, cannot run. Those of the contracts' authors stand in for them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(os.environ["THUNDERAGENT_SLIME"]) / "tests")]


def pytest_collection_finish() -> None:
    """Once the contract has imported what it compares with."""
    from slime.rollout import sglang_rollout

    for module in tuple(sys.modules.values()):
        if getattr(module, "__name__", "").endswith("test_plugin_rollout_contracts"):
            sglang_rollout.generate_rollout = module.valid_rollout_function
        if getattr(module, "__name__", "").endswith("test_plugin_generate_contracts"):
            sglang_rollout.generate = module.custom_generate
