"""SkyRL's servers are vLLM whose series may be at Ray's: then their configuration tells the capacity."""

from __future__ import annotations

import asyncio
import json

from tests.adapters.engines.fake_http import FakeHttp, recorded
from thunderagent.adapters.engines.reading import EngineKind, Reading
from thunderagent.adapters.engines.skyrl import Skyrl


def read(http: FakeHttp) -> Reading:
    return asyncio.run(Skyrl().read(http))


def test_without_series_the_capacity_is_measured_from_the_configuration() -> None:
    info = json.loads(recorded("vllm_0_32_server_info.json"))
    for page in ("process_cpu_seconds_total 3\n", 404):
        reading = read(FakeHttp(metrics=page, server_info=info))
        assert (reading.kind, reading.capacity_tokens, reading.problems) == (EngineKind.SKYRL, 8_192, ())


def test_with_series_it_is_read_as_vllm() -> None:
    assert read(FakeHttp(metrics=recorded("vllm_0_32.txt"))).ranks[0].running == 11


def test_an_engine_that_tells_nothing_joins_with_no_capacity_never_with_a_constant() -> None:
    reading = read(FakeHttp())
    assert reading.capacity_tokens is None
    assert "enable_ray_prometheus_stats=false" in reading.problems[0]
