"""A pytest plug-in for slime's plug-in contracts: they give functions no arguments to speak of, with which slime's own, the inner
ones of ours, cannot run. Those of the contracts' authors stand in for them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(os.environ["THUNDERAGENT_SLIME"]) / "tests")]


STANDS_IN = {
    "test_plugin_generate_contracts": ("generate", "custom_generate"),
    "test_plugin_rollout_contracts": ("generate_rollout", "valid_rollout_function"),
    "test_plugin_path_loading_contracts": ("generate_rollout", "valid_eval_function"),
}
"""By contract: a function of slime's, and one of the contract's authors."""


def pytest_collection_finish() -> None:
    """Once the contract has imported what it compares with."""
    from slime.rollout import sglang_rollout

    for name, module in tuple(sys.modules.items()):
        slimes, authors = STANDS_IN.get(name.rpartition(".")[2], ("", ""))
        if slimes:
            setattr(sglang_rollout, slimes, getattr(module, authors))
