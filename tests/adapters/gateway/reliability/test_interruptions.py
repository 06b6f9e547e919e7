"""A rollout ends: what waits is answered as SGLang answers a request that was aborted, what runs goes on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.adapters.gateway.reliability import apis
from tests.adapters.gateway.reliability.behaviours import answers, fails, once_open, one_after_the_other, resets, stalls
from tests.adapters.gateway.reliability.client import Client
from tests.adapters.gateway.reliability.fake_engine import Visit
from tests.adapters.gateway.reliability.world import World, on_loop, soon, until, world
from thunderagent.adapters.gateway import interruptions

ONE_PROGRAM: dict[str, Any] = {"mode": "cap", "config": {"programs_per_engine": 1}}


async def sent(here: World, program_id: str | None, path: str = apis.GENERATE, **more: Any) -> Client:
    """A request is on its way."""
    client = await here.client()
    here.kept.append(client)
    await client.send(apis.request(path, program_id=program_id, **more), path)
    return client


async def waiting(here: World, turns: int) -> None:
    await until(lambda: here.runtime.scheduler.waiting_turns == turns)


async def holder(here: World) -> Client:
    """Takes the only place."""
    client = await sent(here, "holder")
    await until(lambda: here.engine.open == 1)
    return client


def is_aborted(generated: dict[str, Any]) -> bool:
    assert generated["text"] == "" and generated["output_ids"] == []
    return bool(generated["meta_info"]["finish_reason"]["type"] == "abort")


@on_loop
async def test_what_waits_is_answered_at_once_and_what_runs_goes_on() -> None:
    gate = asyncio.Event()
    async with world(once_open(gate), **ONE_PROGRAM) as here:
        runs = await holder(here)
        waits = [await sent(here, f"train/{number}") for number in range(40)]
        await waiting(here, 40)
        began_s = asyncio.get_running_loop().time()
        here.gateway.interruptions.begin("train/")
        told = [await soon(client.answer()) for client in waits]
        took_s = asyncio.get_running_loop().time() - began_s
        assert all(answer.status == 200 and is_aborted(answer.json) for answer in told)
        assert took_s < 1.0  # a few milliseconds on a machine that does nothing else
        assert set(here.runtime.scheduler.programs) == {"holder"}
        assert here.gateway.counts.problems["interrupted"] == 40
        gate.set()
        assert (await soon(runs.answer())).json["text"] == "hi"
        assert len(here.engine.visits) == 1


@on_loop
async def test_what_arrives_is_answered_until_it_ends() -> None:
    async with world() as here:
        stop = here.gateway.interruptions
        for _ in range(2):
            stop.begin("train/")
        for _ in range(2):
            assert is_aborted((await here.ask(apis.GENERATE, program_id="train/1")).json)
            stop.end("train/")
        assert (await here.ask(apis.GENERATE, program_id="train/1")).json["text"] == "hi"
        stop.end("train/")
        assert len(here.engine.visits) == 1


@on_loop
async def test_other_programs_and_other_apis_are_not_concerned() -> None:
    async with world() as here:
        here.gateway.interruptions.begin("train/")
        assert (await here.ask(apis.GENERATE, program_id="eval/1")).json["text"] == "hi"
        assert (await here.ask(apis.GENERATE)).json["text"] == "hi"
        assert (await here.ask(apis.CHAT, program_id="train/1")).json["choices"]


@pytest.mark.parametrize(
    ("asked", "meta_info"),
    [
        ({"text": "hello"}, {"id": "", "prompt_tokens": 0}),
        (
            {"input_ids": [1, 2, 3], "rid": "r", "return_logprob": True},
            {"id": "r", "prompt_tokens": 3, "output_token_logprobs": []},
        ),
        ({"text": "hello", "rid": 7}, {"id": "", "prompt_tokens": 0}),
    ],
)
@on_loop
async def test_the_answer_is_sglangs(asked: dict[str, Any], meta_info: dict[str, Any]) -> None:
    async with world() as here:
        here.gateway.interruptions.begin("")
        client = await here.client()
        await client.send(json.dumps({"sampling_params": {}, **asked}).encode(), apis.GENERATE)
        answer = await client.answer()
        assert answer.headers["content-type"] == "application/json"
        assert answer.json == {
            "text": "",
            "output_ids": [],
            "meta_info": {
                "finish_reason": {"type": "abort", "message": "It was not sent to an engine any more."},
                "completion_tokens": 0,
                "cached_tokens": 0,
                "weight_version": "default",
                **meta_info,
            },
        }
        again = await client.ask(apis.GENERATE)  # the connection is as good as before
        assert again.status == 200


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"text": ["a", "b"], "rid": ["r", "s"]}, ["r", "s"]),
        ({"input_ids": [[1], [2, 3]]}, ["", ""]),
        ({"text": "a", "rid": "r", "sampling_params": {"n": 3}}, ["r", "r", "r"]),
    ],
)
@on_loop
async def test_a_batch_gets_a_list_and_a_stream_events(asked: dict[str, Any], ids: list[str]) -> None:
    async with world() as here:
        here.gateway.interruptions.begin("")
        client = await here.client()
        await client.send(json.dumps(asked).encode(), apis.GENERATE)
        answered = (await client.answer()).json
        assert [generated["meta_info"]["id"] for generated in answered if is_aborted(generated)] == ids
        await client.send(json.dumps(asked | {"stream": True}).encode(), apis.GENERATE)
        events = (await client.answer()).body.split(b"\n\n")
        assert events[-2:] == [b"data: [DONE]", b""]
        told = [json.loads(event.removeprefix(b"data: ")) for event in events[:-2]]
        assert [(event["index"], event["meta_info"]["id"]) for event in told] == list(enumerate(ids))


@on_loop
async def test_a_stream_of_one_has_one_event() -> None:
    async with world() as here:
        here.gateway.interruptions.begin("")
        answer = await here.ask(apis.GENERATE, stream=True)
        assert answer.headers["content-type"] == "text/event-stream"
        only, done, _ = answer.body.split(b"\n\n")
        assert is_aborted(json.loads(only.removeprefix(b"data: "))) and done == b"data: [DONE]"


@on_loop
async def test_it_tells_the_weights_that_were_seen_last() -> None:
    async def of_version_7(visit: Visit) -> None:
        visit.respond(200, b'{"meta_info":{"weight_version":"7","prompt_tokens":4,"completion_tokens":1}}')

    async with world(of_version_7) as here:
        await here.ask(apis.GENERATE)
        here.gateway.interruptions.begin("")
        assert (await here.ask(apis.GENERATE)).json["meta_info"]["weight_version"] == "7"


@pytest.mark.parametrize("behaviour", [resets, fails(503)])
@on_loop
async def test_a_request_whose_engine_fails_it_is_not_tried_again(behaviour: Any) -> None:
    gate = asyncio.Event()
    async with world(once_open(gate, behaviour)) as here:
        client = await sent(here, "train/1")
        await until(lambda: here.engine.open == 1)
        here.gateway.interruptions.begin("train/")
        gate.set()
        assert is_aborted((await soon(client.answer())).json)
        assert len(here.engine.visits) == 1
        assert here.runtime.scheduler.programs == {}


@on_loop
async def test_a_request_that_waits_to_be_tried_again_is_answered() -> None:
    async with world(fails(503, "retry-after: 60\r\n")) as here:
        client = await sent(here, "train/1")
        await until(
            lambda: here.gateway._relay._retries.running == 0 and here.gateway.fleet.in_flight == 0 and here.engine.visits
        )
        here.gateway.interruptions.begin("train/")
        assert is_aborted((await soon(client.answer())).json)


@on_loop
async def test_a_client_that_leaves_in_the_same_moment_is_not_answered() -> None:
    async with world(stalls, **ONE_PROGRAM) as here:
        await holder(here)
        before = here.tables()
        client = await sent(here, "train/1")
        await waiting(here, 1)
        (exchange,) = here.gateway.interruptions._held
        here.gateway.interruptions.begin("train/")
        exchange.disconnected = True
        exchange.set()
        await here.until_tables_are(before)
        assert (here.gateway.counts.disconnects, here.gateway.counts.problems["interrupted"]) == (1, 0)
        client.vanish()


# The end of a whole rollout


@on_loop
async def test_a_program_between_two_turns_is_told_once_with_the_next() -> None:
    async with world() as here:
        await here.ask(apis.GENERATE, program_id="s1")
        here.gateway.end_rollout()
        assert is_aborted((await here.ask(apis.GENERATE, program_id="s1")).json)
        assert (await here.ask(apis.GENERATE, program_id="s1")).json["text"] == "hi", "it begins anew"
        assert (await here.ask(apis.GENERATE, program_id="s2")).json["text"] == "hi", "it is another one's"


@on_loop
async def test_a_program_that_was_told_while_it_waited_may_begin_anew_at_once() -> None:
    gate = asyncio.Event()
    async with world(once_open(gate), **ONE_PROGRAM) as here:
        runs = await holder(here)
        waits = await sent(here, "s1")
        await waiting(here, 1)
        here.gateway.end_rollout()
        assert is_aborted((await soon(waits.answer())).json)
        waits = await sent(here, "s1")
        await waiting(here, 1)
        gate.set()
        assert (await soon(runs.answer())).json["text"] == "hi"
        here.runtime.release("holder")
        assert (await soon(waits.answer())).json["text"] == "hi"


@on_loop
async def test_a_program_that_its_engine_has_aborted_was_told() -> None:
    async def aborted(visit: Visit) -> None:
        visit.respond(200, b'{"meta_info":{"finish_reason":{"type":"abort"},"prompt_tokens":4,"completion_tokens":1}}')

    gate = asyncio.Event()
    async with world(once_open(gate, aborted)) as here:
        runs = await sent(here, "s1")
        await until(lambda: here.engine.open == 1)
        here.gateway.end_rollout()
        gate.set()
        assert (await soon(runs.answer())).status == 200
        here.engine.behaviour = answers
        assert (await here.ask(apis.GENERATE, program_id="s1")).json["text"] == "hi"


@on_loop
async def test_programs_of_the_rollout_are_over_after_a_while_unless_they_were_asked_for_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interruptions, "LEAVING_S", 0.2)
    async with world(one_after_the_other(answers, answers, answers, stalls, answers)) as here:
        for program in ("over", "told", "anew"):
            await here.ask(apis.GENERATE, program_id=program)
        await sent(here, "runs")
        await here.engine.visit(3)
        here.gateway.end_rollout()
        assert is_aborted((await here.ask(apis.GENERATE, program_id="told")).json)
        for _ in range(2):
            await here.ask(apis.GENERATE, program_id="anew")
        await until(lambda: set(here.runtime.scheduler.programs) == {"anew", "runs"})
        assert (await here.ask(apis.GENERATE, program_id="over")).json["text"] == "hi"
