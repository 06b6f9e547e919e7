"""A program is released by either name; twice is no error."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from thunderagent.errors import TurnRefused

from .support import Gateway, run


@pytest.mark.parametrize(
    ("target", "content"),
    [
        ("/programs/release", {"program_id": "train/5 0"}),
        ("/programs/release", {"session_id": "train/5 0", "other": [1]}),
        ("/programs/release?program_id=train%2F5%200", None),
        ("/finish_session?session_id=train%2F5%200", None),
        ("/finish_session?session_id=train/5+0", {}),
        ("/finish_session", {"session_id": "train/5 0"}),
    ],
)
def test_a_program_is_released_once_and_again_without_an_error(target: str, content: Any) -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.turn("train/5 0")
        first, second = await gateway.post(target, content), await gateway.post(target, content)
        assert (first.status, first.json) == (200, {"program_id": "train/5 0", "released": True})
        assert (second.status, second.json) == (200, {"program_id": "train/5 0", "released": False})
        assert not gateway.runtime.scheduler.programs

    run(scenario)


def test_a_turn_that_waits_is_refused_when_its_program_is_released() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        gateway.arrive("first", 9_000)
        gateway.arrive("second", 9_000)
        waiting = asyncio.create_task(gateway.turn("third", 9_000))
        await asyncio.sleep(0)
        assert (await gateway.post("/programs/release", {"program_id": "third"})).json["released"]
        with pytest.raises(TurnRefused):
            await waiting

    run(scenario)


def test_a_program_that_is_known_only_by_a_held_turn_can_be_released() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        gateway.runtime.begin_weight_sync()
        held = asyncio.create_task(gateway.turn("new"))
        await asyncio.sleep(0)
        assert (await gateway.post("/finish_session?session_id=new")).json["released"]
        with pytest.raises(TurnRefused):
            await held
        assert not (await gateway.post("/finish_session?session_id=new")).json["released"]

    run(scenario)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "missing_program_id"),
        (b"{}", "missing_program_id"),
        (b'{"program_id": null}', "missing_program_id"),
        (b'{"program_id": ""}', "invalid_program_id"),
        (b'{"program_id": "a\\nb"}', "invalid_program_id"),
        (b'{"program_id": "%s"}' % (b"x" * 5_000), "invalid_program_id"),
        (b'{"program_id": {"a": 1}}', "invalid_body"),
        (b'{"program_id": 5}', "invalid_body"),
        (b"[]", "invalid_body"),
        (b"null", "invalid_body"),
        (b'"p"', "invalid_body"),
        (b"NaN", "invalid_json"),
        (b"{", "invalid_json"),
        (b"\xff", "invalid_json"),
        (b'{"program_id": "\xff"}', "invalid_json"),
        (b'{"program_id": "\\ud800"}', "invalid_json"),
        (b'{"x": ' + b"[" * 100_000, "invalid_json"),
        (b'{"program_id": "p"} extra', "invalid_json"),
    ],
    ids=str,
)
def test_a_request_that_names_no_program_is_a_400(body: bytes, reason: str) -> None:
    async def scenario() -> None:
        answer = await Gateway().ask("POST", "/programs/release", body=body)
        assert (answer.status, answer.reason) == (400, reason)

    run(scenario)


def test_a_session_id_that_cannot_be_one_is_a_400() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        for query in ("session_id=", "session_id=%00", "session_id=a&session_id=b", ""):
            assert (await gateway.post(f"/finish_session?{query}")).status == 400

    run(scenario)
