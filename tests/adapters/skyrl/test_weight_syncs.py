"""SkyRL's weight syncs, each as its trainers run it: what becomes of turns and of the account of KV caches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import cloudpickle
import pytest

from tests.adapters.engines.simulated.support import Server, serve
from tests.adapters.hand_clock import settle
from thunderagent.adapters.skyrl.compat import prepare_import
from thunderagent.core import DefaultPolicy, ThunderPolicy

prepare_import()
pytest.importorskip("skyrl")

from skyrl.backends.skyrl_train.inference_servers.remote_inference_client import RemoteInferenceClient  # noqa: E402

from tests.adapters.skyrl.support import HandSession, client_of  # noqa: E402
from tests.adapters.skyrl.test_client import batch  # noqa: E402
from thunderagent.adapters.skyrl.client import ThunderClient  # noqa: E402
from thunderagent.adapters.skyrl.weight_syncs import resets_caches  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:client.loop:DeprecationWarning")


async def full_weights(client: ThunderClient, copy: RemoteInferenceClient) -> None:
    await client.pause_generation()
    await copy.update_named_weights({})
    await client.resume_generation()


async def full_weights_and_a_reset(client: ThunderClient, copy: RemoteInferenceClient) -> None:
    await client.pause_generation()
    await copy.reset_prefix_cache(reset_running_requests=True)
    await client.resume_generation()


async def cleared_with_the_pause(client: ThunderClient, copy: RemoteInferenceClient) -> None:
    await client.pause_generation(clear_cache=True)
    await client.resume_generation()


async def colocated(client: ThunderClient, copy: RemoteInferenceClient) -> None:
    await client.sleep()
    await client.wake_up(tags=["weights"])
    await copy.reset_prefix_cache(reset_running_requests=True)
    await client.wake_up(tags=["kv_cache"])


async def lora_in_place(client: ThunderClient, copy: RemoteInferenceClient) -> None:
    pass  # a worker's copy has the engines load an adapter


async def delta(client: ThunderClient, copy: RemoteInferenceClient) -> None:
    await copy.pause_generation()
    await copy.update_named_weights({})
    await copy.resume_generation()


async def delta_and_a_reset(client: ThunderClient, copy: RemoteInferenceClient) -> None:
    await copy.pause_generation()
    await copy.reset_prefix_cache(reset_running_requests=True)
    await copy.resume_generation()


Sync = Callable[[ThunderClient, RemoteInferenceClient], Awaitable[None]]


def losses(sync: Sync, *, workers_reset_caches: bool = False) -> int:
    """How often the caches count as lost over one sync with its turns before and after."""
    session = HandSession(DefaultPolicy())

    async def scenario(server: Server) -> int:
        async with client_of(server, session) as client:
            client._workers_reset_caches = workers_reset_caches
            copy = cloudpickle.loads(cloudpickle.dumps(client))
            await client.generate(batch("hi", "5_0"))
            backend = session.runtime.scheduler.ledger.backends[server.url]
            epoch = backend.epoch
            async with copy:
                await sync(client, copy)
            client.increment_weight_version()
            assert not session.runtime.scheduler.syncing
            await client.generate(batch("hi", "5_0"))
            return backend.epoch - epoch

    return serve(scenario)


@pytest.mark.parametrize("sync", [full_weights, lora_in_place, delta])
def test_trajectories_keep_their_kv_over_a_sync_since_they_go_on_under_the_salt_that_they_began_with(sync: Sync) -> None:
    assert losses(sync) == 0


@pytest.mark.parametrize("sync", [full_weights_and_a_reset, lora_in_place, delta_and_a_reset])
def test_where_workers_reset_the_caches_they_are_lost_once(sync: Sync) -> None:
    assert losses(sync, workers_reset_caches=True) == 1


@pytest.mark.parametrize("workers_reset_caches", [False, True])
@pytest.mark.parametrize("sync", [cleared_with_the_pause, colocated])
def test_what_the_client_itself_clears_is_lost_once_whoever_clears_it_too(sync: Sync, workers_reset_caches: bool) -> None:
    assert losses(sync, workers_reset_caches=workers_reset_caches) == 1


@pytest.mark.parametrize(("offload_kv", "lost"), [(True, 0), (False, 1)])
def test_kv_that_is_offloaded_for_a_sync_is_kept_and_what_is_given_up_is_lost(
    offload_kv: bool, lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def collectively(self: RemoteInferenceClient, **_: Any) -> dict[str, Any]:
        return await self._call_all_servers("/collective_rpc", {"method": "skyrl_sleep_for_weight_sync"})

    # SkyRL 0.3.0 has no such sync yet.
    monkeypatch.setattr(RemoteInferenceClient, "sleep_for_weight_sync", collectively, raising=False)

    async def offloaded(client: ThunderClient, copy: RemoteInferenceClient) -> None:
        await client.pause_generation()
        await client.sleep_for_weight_sync(offload_kv=offload_kv)
        await client.resume_generation()

    assert losses(offloaded) == lost


def test_the_caches_are_lost_with_every_clearing_between_two_syncs() -> None:
    async def twice(client: ThunderClient, copy: RemoteInferenceClient) -> None:
        await cleared_with_the_pause(client, copy)
        await cleared_with_the_pause(client, copy)
        await client.reset_prefix_cache()

    assert losses(twice) == 3


@pytest.mark.parametrize(
    ("changes", "resets"),
    [
        ({}, False),
        ({"clear_kv_cache_on_weight_sync": True}, True),
        ({"enabled": False}, True),
        ({"enabled": False, "enable_prefix_caching": False}, False),
        ({"clear_kv_cache_on_weight_sync": True, "simulate_training": True}, False),
    ],
)
def test_skyrls_configuration_tells_whether_its_workers_reset_the_caches(changes: dict[str, bool], resets: bool) -> None:
    values = {"enabled": True, "clear_kv_cache_on_weight_sync": False, "simulate_training": False, **changes}
    engine = SimpleNamespace(enable_prefix_caching=values.pop("enable_prefix_caching", True))
    trainer = SimpleNamespace(fully_async=SimpleNamespace(**values))
    cfg = SimpleNamespace(trainer=trainer, generator=SimpleNamespace(inference_engine=engine))
    assert resets_caches(cfg) is resets


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (lambda client: client.pause_generation(), lambda client: client.resume_generation()),
        (lambda client: client.sleep(), lambda client: client.wake_up(tags=["kv_cache"])),
        (lambda client: client.sleep(), lambda client: client.wake_up()),
    ],
    ids=["pause and resume", "sleep and wake up in two steps", "sleep and wake up"],
)
def test_turns_wait_during_a_sync(begin: Callable[[Any], Any], end: Callable[[Any], Any]) -> None:
    session = HandSession(DefaultPolicy())

    async def scenario(server: Server) -> None:
        async with client_of(server, session) as client:
            await begin(client)
            turn = asyncio.create_task(client.generate(batch("hi", "5_0")))
            await settle()
            await client.wake_up(tags=["weights"])
            assert session.runtime.scheduler.waiting_turns == 1
            await end(client)
            assert (await turn)["stop_reasons"] == ["stop"]

    serve(scenario)


def test_a_copy_that_pauses_the_engines_behind_our_back_freezes_turns_and_breaks_none() -> None:
    session = HandSession(DefaultPolicy())

    async def scenario(server: Server) -> None:
        async with client_of(server, session) as client, cloudpickle.loads(cloudpickle.dumps(client)) as copy:
            await copy.pause_generation()
            turns = [asyncio.create_task(client.generate(batch("hi", f"5_{sample}"))) for sample in range(3)]
            await server.until(lambda: len(session.runtime._turns) == 3)
            await copy.resume_generation()
            assert [(await turn)["stop_reasons"] for turn in turns] == [["stop"]] * 3

    serve(scenario)


@pytest.mark.parametrize("act", [lambda client: client.pause_generation(), lambda client: client.sleep()])
def test_a_sync_that_fails_to_begin_lets_turns_start_again(act: Callable[[Any], Any]) -> None:
    session = HandSession(DefaultPolicy())

    async def scenario(server: Server) -> None:
        async with client_of(server, session) as client:
            client.server_urls = ["http://127.0.0.1:9"]
            with pytest.raises(OSError):
                await act(client)
            assert not session.runtime.scheduler.syncing
            with pytest.raises(OSError):
                await client.resume_generation()

    serve(scenario)


def test_a_broadcast_that_blocks_the_loop_for_hours_expires_and_forces_nothing() -> None:
    now_s = [1_000.0]
    session = HandSession(ThunderPolicy(max_wait_s=60.0), clock=lambda: now_s[0])

    async def scenario(server: Server) -> None:
        async with client_of(server, session) as client:
            await client.generate(batch("x" * 3_000, "0_0"))
            await client.pause_generation()
            held = asyncio.create_task(client.generate(batch("y" * 3_000, "1_0")))
            await settle()
            now_s[0] += 3 * 3_600.0  # nothing ran meanwhile, no timer either
            await client.resume_generation()
            client.increment_weight_version()
            await settle()
            scheduler = session.runtime.scheduler
            assert set(scheduler.programs) == {"rollout/0_0", "rollout/1_0"}
            assert (scheduler.counters.syncs_abandoned, scheduler.counters.expired, scheduler.counters.forced) == (0, 0, 0)
            assert (scheduler.waiting_turns, held.done()) == (1, False)  # it does not fit, and was not forced in
            await client.finish_session("0_0")
            assert (await held)["stop_reasons"] == ["stop"]

    serve(scenario)
