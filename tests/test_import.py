"""``pip install thunderagent`` stays small: the package and its core import nothing heavy, and quickly."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "ray", "skyrl", "transformers", "wandb", "hydra", "aiohttp", "numpy", "matplotlib")


def test_core_and_runtime_import_no_third_party_package() -> None:
    modules = "thunderagent.core, thunderagent.runtime, thunderagent.config"
    code = f"import sys, {modules}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
