"""``GET /profiles``: 400 when off, 404 when unknown, and any id has its page."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from thunderagent.adapters.gateway.manage import ProfileStore

from .support import Gateway, run


def test_profiles_have_the_names_of_the_public_api() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.turn("p", 1_000)
        gateway.clock.now_s += 3.0
        await gateway.turn("p", 1_200)
        assert (await gateway.get("/profiles")).json == {
            "p": {
                "step_count": 2,
                "avg_prefill_s": None,
                "avg_decode_s": 1.0,
                "avg_pause_s": 0.0,
                "avg_tool_call_s": 3.0,
                "avg_kv_hit_rate": 0.5,
            }
        }

    run(scenario)


@pytest.mark.parametrize("program_id", ["p", "train/5_0", "a%2Fb", "a b?c=d&e#f", "..", "\u00fc\u4e2d", "/", "x" * 200, "%"])
def test_any_id_has_its_profile(program_id: str) -> None:
    async def scenario() -> None:
        gateway = Gateway(profiles=ProfileStore(steps=1))
        await gateway.turn(program_id)
        await gateway.turn(program_id)
        answer = await gateway.get(f"/profiles/{quote(program_id, safe='')}")
        assert answer.status == 200
        profile = answer.json
        assert (profile["program_id"], profile["step_count"]) == (program_id, 2)
        [last] = profile["steps"]
        assert (last["step_id"], last["outcome"], last["cached_tokens"]) == (2, "completed", 50)

    run(scenario)


def test_slashes_need_no_escape() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.turn("train/5_0")
        assert (await gateway.get("/profiles/train/5_0")).json["program_id"] == "train/5_0"

    run(scenario)


def test_an_unknown_program_is_a_404_and_profiling_that_is_off_a_400() -> None:
    async def scenario() -> None:
        unknown = await Gateway().get("/profiles/nobody")
        assert (unknown.status, unknown.reason) == (404, "unknown_program")
        off = Gateway(profiles=None)
        for target in ("/profiles", "/profiles/nobody"):
            answer = await off.get(target)
            assert (answer.status, answer.reason) == (400, "profiling_off")

    run(scenario)


def test_profiles_come_in_pages() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        for name in ("b", "c", "a"):
            await gateway.turn(name)
        answer = await gateway.get("/profiles?limit=2")
        assert (list(answer.json), answer.headers["x-total-count"]) == (["a", "b"], "3")
        assert answer.headers["link"] == '</profiles?limit=2&after=b>; rel="next"'
        assert list((await gateway.get("/profiles?limit=2&after=b")).json) == ["c"]

    run(scenario)
