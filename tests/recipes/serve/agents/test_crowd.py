"""Agents before a gateway, and before an engine alone."""

from __future__ import annotations

import pytest

pytest.importorskip("openai")

from recipes.serve.agents.agent import SYSTEM, Plan
from recipes.serve.agents.crowd import run_crowd
from recipes.serve.agents.tally import Tally
from tests.adapters.engines.simulated.support import Server, serve
from tests.recipes.serve.agents.support import Recorder
from thunderagent.adapters.engines.simulated import Echo
from thunderagent.errors import ConfigError

PLAN = Plan(turns=3, first_chars=100, observation_chars=40, answer_tokens=7, think_s=0.0)


def crowd(recorder: Recorder, agents: int = 2, plan: Plan = PLAN, model: str | None = None, seed: int = 0) -> Tally:
    return recorder.run(
        lambda url: run_crowd(url, agents, plan, api_key="sesame", model=model, seed=seed, on_step=lambda tally: None)
    )


def test_each_agent_is_a_program_with_one_id_whose_chat_grows() -> None:
    recorder = Recorder()
    crowd(recorder)

    program_ids = {body["program_id"] for body in recorder.bodies}
    assert len(program_ids) == 2
    for program_id in program_ids:
        chats = [body["messages"] for body in recorder.of(program_id)]
        assert [len(chat) for chat in chats] == [2, 4, 6]
        assert chats[2][:4] == chats[1]
        system = chats[0][0]["content"]
        assert chats[0][0]["role"] == "system" and system.startswith(SYSTEM) and len(system) == 2_000
        assert chats[1][2]["content"].startswith("answer ")
        assert {body["max_tokens"] for body in recorder.of(program_id)} == {7}


def test_each_agent_is_released_at_its_end() -> None:
    recorder = Recorder()
    crowd(recorder, agents=3)

    assert sorted(recorder.released) == sorted({body["program_id"] for body in recorder.bodies})


def test_the_first_model_is_asked_unless_one_is_named_and_the_key_is_sent() -> None:
    unnamed, named = Recorder(), Recorder()
    crowd(unnamed)
    crowd(named, model="second")

    assert {body["model"] for body in unnamed.bodies} == {"first"}
    assert {body["model"] for body in named.bodies} == {"second"}
    assert unnamed.keys == {"Bearer sesame"}


def test_steps_hits_and_waits_are_counted() -> None:
    tally = crowd(Recorder(), agents=1)

    assert (len(tally.done), tally.failed, tally.hit_rate) == (3, 0, 0.5)
    assert tally.waits_s == [1.0, 2.0, 3.0]
    assert tally.mean_wait_s == 2.0


def test_an_agent_whose_turn_fails_ends_and_is_released() -> None:
    recorder = Recorder(fails_from=2)
    tally = crowd(recorder, agents=1)

    assert (len(tally.done), tally.failed) == (1, 1)
    assert len(recorder.released) == 1


def test_the_same_seed_asks_for_as_much_but_never_for_the_same() -> None:
    one, again, other = Recorder(), Recorder(), Recorder()
    for recorder, seed in ((one, 0), (again, 0), (other, 1)):
        crowd(recorder, agents=1, seed=seed)
    sizes = [[len(body["messages"][-1]["content"]) for body in recorder.bodies] for recorder in (one, again, other)]

    assert sizes[0] == sizes[1] != sizes[2]
    assert one.bodies[0]["messages"] != again.bodies[0]["messages"]


def test_an_engine_alone_takes_them_too_and_tells_no_waits() -> None:
    async def scenario(server: Server) -> Tally:
        return await run_crowd(server.url, 2, PLAN, api_key="none", on_step=lambda tally: None)

    tally = serve(scenario, Echo(), time_scale=1_000.0)

    assert (len(tally.done), tally.failed) == (6, 0)
    assert tally.waits_s == []
    assert tally.hit_rate > 0.5


def test_an_address_that_serves_no_model_is_told() -> None:
    with pytest.raises(ConfigError, match="no models are served there; name one with --model"):
        crowd(Recorder(models=()))
