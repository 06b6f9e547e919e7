"""SGLang's answers show the version of its weights: with another one, the KV cache of its engine is gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import SSE_HEAD, chunk
from tests.adapters.gateway.reliability.fake_engine import Behaviour, Visit
from tests.adapters.gateway.reliability.watched import watched_world
from tests.adapters.gateway.reliability.world import World, on_loop


def with_weights(*versions: Any) -> Behaviour:
    """Answer with these versions, one after the other; None: it tells none."""
    left = list(versions)

    async def answering(visit: Visit) -> None:
        meta_info = {"prompt_tokens": 40, "completion_tokens": 5, "cached_tokens": 0, "finish_reason": {"type": "stop"}}
        if (version := left.pop(0)) is not None:
            meta_info["weight_version"] = version
        whole = json.dumps({"text": "hi", "meta_info": meta_info}).encode()
        if visit.stream:
            await visit.write(SSE_HEAD + chunk(b"data: " + whole + b"\n\ndata: [DONE]\n\n") + b"0\r\n\r\n")
            visit.end()
        else:
            visit.respond(200, whole)

    return answering


def lost(here: World) -> int:
    """How often the engine's KV cache was lost."""
    return here.runtime.scheduler.ledger.backends[here.engine.url].epoch - 1


@pytest.mark.parametrize("stream", [False, True])
@on_loop
async def test_another_version_than_before_loses_the_cache_once(stream: bool) -> None:
    async with watched_world(with_weights("default", "default", "1", None, "1", "2")) as here:
        seen = []
        for _ in range(6):
            assert (await here.ask(apis.GENERATE, stream=stream, program_id="p")).status == 200
            seen.append(lost(here))
        assert seen == [0, 0, 1, 1, 1, 2]


@on_loop
async def test_what_is_no_version_changes_nothing() -> None:
    async with watched_world(with_weights("1", 7, {"a": 1}, "1")) as here:
        for _ in range(4):
            assert (await here.ask(apis.GENERATE)).status == 200
        assert lost(here) == 0
