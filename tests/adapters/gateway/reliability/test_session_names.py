"""Engines that publish the events of their KV caches are told which program a turn is of."""

from __future__ import annotations

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.world import on_loop, world


async def named(program: str, header: str | None, **config: object) -> list[str]:
    """What the engine was told."""
    async with world(config=config) as here:
        headers = "" if header is None else f"X-Session-ID: {header}\r\n"
        answer = await here.ask(program_id=program, headers=headers)
        assert answer.status == 200
        return [visit.headers.get("x-session-id", "") for visit in here.engine.visits if visit.path in apis.PATHS]


@on_loop
async def test_engines_with_events_are_told_the_program_as_session() -> None:
    assert await named("train/5_0", None, kv_events=5557) == ["train/5_0"]
    assert await named("p", "another", kv_events=5557) == ["p"]
    assert await named("prögram", "another", kv_events=5557) == [""], "a header holds ASCII only"


@on_loop
async def test_without_events_headers_go_on_as_they_came() -> None:
    assert await named("p", None) == [""]
    assert await named("p", "another") == ["another"]
