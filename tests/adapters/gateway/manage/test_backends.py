"""``GET /metrics.json`` tells of each engine what the public API tells, and what the gateway knows of it."""

from __future__ import annotations

from .support import A, B, Gateway, Told, run


def test_an_engine_has_the_fields_of_the_public_api_and_ours() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        gateway.watch.die(B, "refused")
        await gateway.turn("acting", 2_000, 10)
        gateway.arrive("running", 3_000)
        gateway.arrive("waiting", 9_000)
        answer = await gateway.get("/metrics.json")
        assert answer.status == 200
        metrics = answer.json
        assert (metrics["metrics_enabled"], list(metrics["backends"])) == (True, [A, B])
        assert metrics["backends"][A] == {
            "url": A,
            "active_program_tokens": 5_010,
            "reasoning_program_tokens": 3_000,
            "acting_program_tokens": 2_010,
            "active_program_count": 2,
            "reasoning_program_count": 1,
            "acting_program_count": 1,
            "active_program_tokens_ratio": 0.501,
            "total_program_tokens": 5_010,
            "paused_program_count": 0,
            "future_paused_tokens": 0,
            "shared_tokens": 0,
            "capacity_overflow": 0,
            "healthy": True,
            "cache_config": {"total_tokens_capacity": 10_000},
            "committed_tokens": 5_010,
            "draining": False,
            "breaker": "closed",
            "in_flight": 0,
            "last_problem": None,
            "prefill_tokens_per_s": None,
            "kind": None,
            "engine": None,
        }
        down = metrics["backends"][B]
        assert (down["healthy"], down["draining"], down["last_problem"]) == (False, False, "refused")
        assert down["prefill_tokens_per_s"] is None
        assert metrics["scheduler"]["waiting_turns"] == 1

    run(scenario)


def test_shared_starts_count_once_and_growth_shows_as_overflow() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        gateway.watch.remove(B)
        for number in range(2):
            gateway.arrive(f"p{number}", 4_000, prefix="system", prefix_tokens=1_000)
        backend = (await gateway.get("/metrics.json")).json["backends"][A]
        assert backend["committed_tokens"] == 7_000
        assert (backend["active_program_tokens"], backend["shared_tokens"]) == (8_000, 1_000)
        gateway.runtime.add_backend(A, 6_000)
        assert (await gateway.get("/metrics.json")).json["backends"][A]["capacity_overflow"] == 1_000

    run(scenario)


def test_an_engine_that_has_not_joined_or_tells_no_capacity_is_shown_all_the_same() -> None:
    async def scenario() -> None:
        gateway = Gateway(capacity_tokens=None)
        gateway.watch.die(B, "refused")
        backends = (await gateway.get("/metrics.json")).json["backends"]
        assert backends[A]["cache_config"] == backends[B]["cache_config"] == {"total_tokens_capacity": None}
        assert backends[A]["active_program_tokens_ratio"] == 0.0

    run(scenario)


def test_what_an_engine_told_of_its_load_is_there() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        gateway.watch.known[A].kind = "vllm"
        gateway.watch.loads[A] = Told(
            host_tokens=7, usage=0.25, running=2, waiting=3, preemptions=4, queried_tokens=50, hit_tokens=20
        )
        backends = (await gateway.get("/metrics.json")).json["backends"]
        assert (backends[A]["kind"], backends[B]["engine"]) == ("vllm", None)
        assert backends[A]["engine"] == {
            "kv_usage": 0.25,
            "running": 2,
            "waiting": 3,
            "preemptions": 4,
            "prefix_queried_tokens": 50,
            "prefix_hit_tokens": 20,
            "host_tokens": 7,
        }
        server = (await gateway.get("/servers")).json["states"][0]
        assert server == {"url": A, "state": "up", "kind": "vllm", "loads": {A: backends[A]["engine"]}}
        assert (await gateway.get("/workers")).json["workers"][0]["loads"] == {A: backends[A]["engine"]}
        gateway.watch.known[A].doubted = True
        assert (await gateway.get("/servers")).json["states"][0]["state"] == "down", "it gets no new turns"

    run(scenario)
