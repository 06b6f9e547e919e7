"""Command lines of vLLM in the documents, before its own parser."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.docs.blocks.commands import commands
from tests.docs.blocks.pages import ROOT, blocks, pages

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engine")]
ENGINES = ROOT / "scripts" / "engines"
WHERE = "import real_vllm; print(real_vllm.ENVIRONMENT.python)"
PARSE = """
import json, sys
import vllm_cli
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser
for line in json.load(sys.stdin):
    print(*line, file=sys.stderr)
    make_arg_parser(FlexibleArgumentParser()).parse_args(line)
"""


def test_the_options_of_vllm_that_are_shown_exist() -> None:
    check = [ROOT / "scripts" / "real-vllm", "check"]
    if subprocess.run(check, capture_output=True, env=os.environ | {"PYTHON": sys.executable}, check=False).returncode:
        pytest.skip("scripts/real-vllm setup has not been run")
    shown = [block for page in pages() for block in blocks(page) if block.language == "bash"]
    lines = [words[2:] for block in shown for words in commands(block.text) if words[:2] == ["vllm", "serve"]]
    assert lines
    python = subprocess.check_output([sys.executable, "-c", WHERE], cwd=ENGINES, text=True).strip()
    parsed = subprocess.run(
        [python, "-c", PARSE], cwd=ENGINES, input=json.dumps(lines), capture_output=True, text=True, check=False, timeout=250
    )
    assert parsed.returncode == 0, parsed.stderr
