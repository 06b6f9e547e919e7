"""Programs that begin with the same system prompt have it once in an engine, and once in the account."""

from __future__ import annotations

from typing import Any

from tests.adapters.gateway.reliability.behaviours import answers
from tests.adapters.gateway.reliability.world import on_loop, world

SYSTEM = "You are an agent. " * 100


def messages(task: str) -> list[dict[str, Any]]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": task}]


@on_loop
async def test_a_system_prompt_is_counted_once_for_all_programs() -> None:
    async with world(answers, mode="thunder", capacity_tokens=100_000) as here:
        for name in ("one", "other"):
            assert (await here.ask(program_id=name, messages=messages(name))).status == 200
        shared = {program.shared_tokens for program in here.runtime.scheduler.programs.values()}
        assert shared == {here.runtime.scheduler.ledger.backends[here.engine.url].shared_tokens}
        assert shared != {0}


@on_loop
async def test_requests_without_a_program_are_not_looked_at() -> None:
    async with world(answers, mode="thunder", capacity_tokens=100_000) as here:
        assert (await here.ask(messages=messages("task"))).status == 200
        assert here.runtime.scheduler.ledger.backends[here.engine.url].shared_tokens == 0
