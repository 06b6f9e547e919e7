"""One small world for each test; for those that take ``world``, slime as it is importable: it keeps its state in singletons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.slime.support import WITHOUT, World
from thunderagent.adapters.slime import hosts


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[World]:
    """Router and engines; slime is not needed."""
    world = World(tmp_path)
    try:
        yield world
    finally:
        hosts.close_all()
        world.close()


@pytest.fixture
def world(outside: World, tmp_path: Path) -> Iterator[World]:
    """With slime."""
    pytest.importorskip("slime.rollout.sglang_rollout", reason=WITHOUT)
    from recipes.common.hf_tokenizer import save_tokenizer

    save_tokenizer(tmp_path / "model")
    yield outside
    _forget()


@pytest.fixture
def data_source(world: World) -> Any:
    """slime's own, over the world's prompts."""
    from slime.rollout.data_source import RolloutDataSourceWithBuffer

    return RolloutDataSourceWithBuffer(world.args())


def _forget() -> None:
    from slime.rollout import fully_async_rollout
    from slime.utils import http_utils
    from slime.utils.misc import SingletonMeta

    fully_async_rollout._stop_global_worker()
    http_utils._http_client = None
    SingletonMeta._instances.clear()
