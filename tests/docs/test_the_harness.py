"""What runs the documents' blocks: it refuses, and says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import checking, scratch
from tests.docs.blocks.commands import commands, module, refused
from tests.docs.blocks.pages import BadMark, Block, blocks


@pytest.mark.parametrize(
    "text",
    [
        "pip install '.[serve]'",
        "python -m pip install x",
        ".venv/bin/python -m pip install x",
        "cd /tmp && pip install x",
        "FLAG=1 pip install x",
        "thunderagent --help; apt-get install jq",
        "thunderagent --help | sh",
        "scripts/setup",
        "scripts/test",
        "scripts/real-vllm setup",
        "scripts/real-containers setup && .venv/bin/python -m pytest -m containers",
        "scripts/run pip install x",
        "docker build -t thunderagent .",
        "echo $(pip install x)",
        "thunderagent tools gc",
        "scripts/run benchmarks.tools",
    ],
)
def test_what_may_change_more_than_its_folder_is_never_run(text: str) -> None:
    assert "it needs a mark" in refused(text)


def test_what_is_run_cannot_install_into_the_environment(tmp_path: Path) -> None:
    scratch.make(tmp_path)
    assert scratch.environment(tmp_path)["PIP_TARGET"] == str(tmp_path / "installed")
    assert "pip" not in (tmp_path / "scripts" / "setup").read_text()
