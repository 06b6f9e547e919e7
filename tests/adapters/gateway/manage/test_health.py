"""Liveness says that the process lives, readiness whether requests may come, and why not."""

from __future__ import annotations

import pytest

from thunderagent.adapters.gateway.manage import unready

from .support import ADMIN, API, WITH_KEYS, A, B, Gateway, run


def test_health_tells_what_the_public_api_tells() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.turn("fourth", 100)
        gateway.arrive("first", 8_000)
        gateway.arrive("second", 8_000)
        gateway.arrive("third", 8_000)
        home = gateway.runtime.scheduler.programs["fourth"].origin_id
        answer = await gateway.get("/health")
        assert answer.status == 200
        health = answer.json
        per_backend = health.pop("per_backend")
        assert health == {
            "status": "ok",
            "router_mode": "thunder",
            "scheduling_enabled": True,
            "backends": [A, B],
            "programs_count": 4,
            "reasoning_count": 2,
            "acting_count": 1,
            "paused_count": 1,
            "profile_enabled": True,
            "waiting_turns": 1,
            "weight_sync_active": False,
            "draining": False,
        }
        assert per_backend[home] == {"total": 2, "reasoning": 1, "acting": 1, "paused": 0}
        assert sum(programs["total"] for programs in per_backend.values()) == 3

    run(scenario)


def test_a_paused_program_counts_where_its_cache_was() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        await gateway.turn("p")
        home = gateway.runtime.scheduler.programs["p"].origin_id
        assert home is not None
        gateway.runtime.lose_cache(home)
        gateway.runtime.set_health(home, healthy=False)
        gateway.arrive("p", 200)  # goes elsewhere
        health = (await gateway.get("/health")).json
        assert health["per_backend"][home]["total"] == 0
        assert health["reasoning_count"] == 1

    run(scenario)


def test_who_may_not_read_views_learns_only_that_it_lives() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=WITH_KEYS)
        assert (await gateway.get("/health")).json == {"status": "ok"}
        assert (await gateway.get("/health", **API)).json == {"status": "ok"}
        assert (await gateway.get("/health", **ADMIN)).json["programs_count"] == 0

    run(scenario)


def test_scheduling_is_off_in_default_mode_and_once_the_policy_has_failed() -> None:
    async def scenario() -> None:
        assert (await Gateway(mode="default").get("/health")).json["scheduling_enabled"] is False
        failed = Gateway()
        failed.runtime.degraded = True
        assert (await failed.get("/health")).json["scheduling_enabled"] is False

    run(scenario)


def test_a_gateway_with_an_engine_is_ready() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=WITH_KEYS)  # load balancers have no key
        answer = await gateway.get("/ready")
        assert (answer.status, answer.json) == (200, {"ready": True, "problems": []})
        gateway.runtime.set_health(A, healthy=False)
        assert (await gateway.get("/ready")).status == 200

    run(scenario)


@pytest.mark.parametrize("problem", ["draining", "no_backend_up", "scheduling_degraded"])
def test_what_makes_it_unready_is_said(problem: str) -> None:
    async def scenario() -> None:
        gateway = Gateway()
        gateway.draining = problem == "draining"
        gateway.runtime.degraded = problem == "scheduling_degraded"
        if problem == "no_backend_up":
            gateway.runtime.set_health(A, healthy=False)
            gateway.runtime.remove_backend(B)
        answer = await gateway.get("/ready")
        assert (answer.status, answer.json) == (503, {"ready": False, "problems": [problem]})
        assert unready(gateway) == [problem]
        assert (await gateway.get("/health")).status == 200

    run(scenario)
