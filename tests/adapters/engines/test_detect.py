"""Each engine shows what it is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.adapters.engines.fake_http import FakeHttp, recorded
from thunderagent.adapters.engines.detect import detect, engine_of, same_family
from thunderagent.adapters.engines.reading import EngineKind


@pytest.mark.parametrize(
    ("pages", "kind"),
    [
        ({"metrics": recorded("vllm_0_32.txt")}, EngineKind.VLLM),
        ({"metrics": "vllm:x 1\n"}, EngineKind.VLLM),
        ({"metrics": recorded("sglang_0_5_23.txt")}, EngineKind.SGLANG),
        ({"v1__loads": json.loads(recorded("sglang_0_5_23_loads.json"))}, EngineKind.SGLANG),
        ({"model_info": json.loads(recorded("sglang_0_5_23_model_info.json"))}, EngineKind.SGLANG),
        ({"metrics": "up 1\n", "skyrl__v1__generate": 405}, EngineKind.SKYRL),
        ({"v1__models": {"data": [{"id": "m", "owned_by": "vllm"}]}}, EngineKind.VLLM),
        ({"v1__models": {"data": [{"id": "m", "owned_by": "sglang"}]}}, EngineKind.SGLANG),
        ({"v1__models": {"data": [{"id": "m", "owned_by": "llamacpp"}]}}, None),
        ({"v1__models": {"data": []}}, None),
        ({"metrics": "up 1\n"}, None),
        ({"metrics": 500, "v1__loads": 502, "v1__models": "<html>"}, None),
    ],
)
def test_it_is_told_by_its_pages(pages: dict[str, Any], kind: EngineKind | None) -> None:
    assert asyncio.run(detect(FakeHttp(**pages))) is kind


@pytest.mark.parametrize("kind", EngineKind)
def test_each_kind_has_its_reader(kind: EngineKind) -> None:
    assert engine_of(kind).kind is kind


def test_skyrl_serves_vllm() -> None:
    assert same_family(EngineKind.SKYRL, EngineKind.VLLM)
    assert same_family(EngineKind.SGLANG, EngineKind.SGLANG)
    assert not same_family(EngineKind.SGLANG, EngineKind.SKYRL)
