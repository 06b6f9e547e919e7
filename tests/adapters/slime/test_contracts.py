"""slime's own contracts for plug-ins (its tests/plugin_contracts), on our functions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.adapters.slime.support import WITHOUT

REPOSITORY = Path(__file__).parents[3]
GENERATE = ("--custom-generate-function-path", "thunderagent.adapters.slime.generate")
ROLLOUT = ("--rollout-function-path", "thunderagent.adapters.slime.generate_rollout")
EVALUATION = ("--eval-function-path", "thunderagent.adapters.slime.generate_rollout")


@pytest.mark.parametrize(
    ("contract", "flags"),
    [
        ("generate_contracts", GENERATE),
        ("rollout_contracts", ROLLOUT),
        ("path_loading_contracts", EVALUATION),
    ],
)
def test_slimes_contracts_hold(contract: str, flags: tuple[str, ...]) -> None:
    slime = pytest.importorskip("slime.rollout.sglang_rollout", reason=WITHOUT)
    checkout = Path(slime.__file__).parents[2]
    file = checkout / "tests" / "plugin_contracts" / f"test_plugin_{contract}.py"
    if not file.exists():
        pytest.skip("this slime has no tests/plugin_contracts")
    done = subprocess.run(
        [sys.executable, str(file), *flags, "-p", "tests.adapters.slime.contract_plugin", "-p", "no:cacheprovider", "-q"],
        cwd=checkout,
        env={
            **os.environ,
            "THUNDERAGENT_SLIME": str(checkout),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *filter(None, sys.path)]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
