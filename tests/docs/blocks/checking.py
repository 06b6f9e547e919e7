"""Blocks that are not run: is what they say at least possible?"""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import tomllib
from typing import Any

import yaml

from tests.docs.blocks import options
from tests.docs.blocks.commands import commands, module
from tests.docs.blocks.pages import ROOT, Block

NAME = re.compile(r"(?<![\w./-])(?:thunderagent|recipes)(?:\.\w+)+(?![\w/])")
"""A dotted name of ours."""
PARSERS: dict[str, Any] = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load, "python": ast.parse}


def problem(block: Block) -> str:
    """What is wrong, in words; empty: nothing."""
    if not block.language:
        return "the fence does not name its language (text for what is none)"
    if block.mark == "elsewhere":
        return _elsewhere(block)
    if block.language in PARSERS and block.mark != "no":
        try:
            PARSERS[block.language](block.text)
        except (ValueError, SyntaxError, yaml.YAMLError) as error:
            return f"no {block.language}: {error}"
    return _not_run(block) if block.language == "bash" and block.mark else ""


def _not_run(block: Block) -> str:
    read = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    if read.returncode:
        return read.stderr
    for words in commands(block.text):
        problem = options.problem(words) or _names(words) or _script(words[0])
        if problem:
            return f"{' '.join(words)}\n{problem}"
    return ""


def _names(words: list[str]) -> str:
    """Modules and functions of ours that are named must be there."""
    for name in NAME.findall(" ".join(words)):
        if not resolves(name):
            return f"there is no {name}"
    return ""


def resolves(name: str) -> bool:
    """Whether a dotted name can be imported, its last parts as attributes."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        try:
            for part in parts[length:]:
                found = getattr(found, part)
        except AttributeError:
            return False
        return True
    return False


def _script(word: str) -> str:
    return f"there is no {word}" if word.startswith("scripts/") and not (ROOT / word).is_file() else ""


def _elsewhere(block: Block) -> str:
    """Its words are in the test's file, or in what that imports from the tests."""
    path, _, name = block.said.partition("::")
    file = ROOT / path
    if not file.is_file():
        return f"there is no {path}"
    text = file.read_text(encoding="utf-8")
    if name not in {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}:
        return f"there is no test {name} in {path}"
    for words in commands(block.text):
        called = module(words)
        missing = [word for word in (words if called is None else [called[0], *called[1]]) if word not in text]
        if missing:
            return f"{' '.join(words)}\n{path} does not run it: there is no {' '.join(missing)} in it"
    return ""
