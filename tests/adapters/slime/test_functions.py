"""Functions by their paths, and which slime is needed."""

from __future__ import annotations

import asyncio
import sys
import types
from argparse import Namespace
from typing import Any

import pytest

from thunderagent.adapters.slime.functions import NEEDED, call_generate, function_at, require_slime
from thunderagent.errors import ConfigError


def test_a_function_is_found_by_its_path() -> None:
    assert function_at("thunder.inner_generate", "asyncio.gather") is asyncio.gather


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("no_such_package.generate", "cannot be imported: No module named 'no_such_package'"),
        ("asyncio.generate", "cannot be imported: module 'asyncio' has no attribute 'generate'"),
        ("sys.path", "is no function"),
    ],
)
def test_what_is_none_is_named(path: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        function_at("thunder.inner_generate", path)
    assert str(error.value) == f"thunder.inner_generate={path}: {told}"


def test_whether_it_is_an_evaluation_is_told_to_those_that_ask() -> None:
    async def asks(args: Any, sample: Any, sampling_params: Any, evaluation: bool = False) -> Any:
        return evaluation

    async def does_not(args: Any, sample: Any, sampling_params: Any) -> Any:
        return sample

    assert asyncio.run(call_generate(asks, Namespace(), "sample", {}, True)) is True
    assert asyncio.run(call_generate(does_not, Namespace(), "sample", {}, True)) == "sample"


def test_without_slime_one_line_says_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "slime", None)
    for name in [name for name in sys.modules if name.startswith("slime.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ConfigError, match=r"^slime=missing: .*slime.*; needed is slime 0\.3 .* another project$"):
        require_slime()


def test_a_slime_that_lacks_something_is_too_old_or_too_new(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NEEDED:
        for parent in ("slime", *(".".join(name.split(".")[:n]) for n in range(2, 4))):
            monkeypatch.setitem(sys.modules, parent, types.ModuleType(parent))
    with pytest.raises(
        ConfigError, match=r"slime=slime\.rollout\.sglang_rollout without GenerateState, generate, generate_rollout: too old"
    ):
        require_slime()
