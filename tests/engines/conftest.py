"""One engine of each kind for all tests, started when it is needed. Without its environment, its tests are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.gateway.clients.running import Running, gateway_before
from tests.engines.kinds import Kind, Sglang, Vllm
from tests.engines.real_engine import RealEngine, missing

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """SGLang's are run where they are asked for: its environment is not made by ``scripts/test``."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("engine"))  # one engine serves them all
            item.add_marker(pytest.mark.engine if "[vllm" in item.nodeid else pytest.mark.sglang)
    if "sglang" not in config.option.markexpr:
        kept = [item for item in items if not item.get_closest_marker("sglang")]
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("sglang")])
        items[:] = kept


@pytest.fixture(scope="session", params=[Vllm(), Sglang()], ids=lambda kind: kind.name)
def engine(request: pytest.FixtureRequest) -> Iterator[RealEngine]:
    """Running."""
    kind: Kind = request.param
    if what := missing(kind):
        pytest.skip(what)
    started = RealEngine(kind)
    try:
        started.start()
        yield started
    finally:
        started.kill()


@pytest.fixture
def gateway(engine: RealEngine) -> Iterator[Running]:
    """``thunderagent serve`` in front of it, with an empty cache behind."""
    engine.call(engine.kind.drop_cache)
    with gateway_before(engine.url, options=("--profile",)) as running:
        yield running
