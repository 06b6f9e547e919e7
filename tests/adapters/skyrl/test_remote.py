"""A gateway that runs already, shared by two jobs of SkyRL's."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tests.adapters.engines.simulated.support import Server, running
from thunderagent.adapters.skyrl.compat import prepare_import

prepare_import()
pytest.importorskip("skyrl")
pytest.importorskip("ray")

from skyrl.backends.skyrl_train.inference_servers.remote_inference_client import RemoteInferenceClient  # noqa: E402

from tests.adapters.skyrl.test_client import batch  # noqa: E402
from thunderagent.adapters.gateway.settings import GatewaySettings  # noqa: E402
from thunderagent.adapters.skyrl import mixin  # noqa: E402
from thunderagent.adapters.skyrl.client import ThunderClient  # noqa: E402
from thunderagent.adapters.skyrl.config import ThunderSkyRLConfig  # noqa: E402
from thunderagent.adapters.trajectory_ids import PHASE  # noqa: E402
from thunderagent.config import ThunderConfig  # noqa: E402
from thunderagent.embedded import EmbeddedGateway  # noqa: E402
from thunderagent.errors import ConfigError  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:client.loop:DeprecationWarning")


class Base:
    """As much of ``BasePPOExp`` as makes a client."""

    def __init__(self, server_url: str, *settings: str) -> None:
        self.cfg = ThunderSkyRLConfig.from_cli_overrides([*settings])
        self._url = server_url
        self._inference_router = SimpleNamespace(ended=False)

    def get_inference_client(self) -> Any:
        client = RemoteInferenceClient(proxy_url="http://router", server_urls=[self._url], data_parallel_size=1)
        client.model_name = "simulated"
        return client

    def run(self) -> None: ...


class Experiment(mixin.ThunderMixin, Base): ...


def programs(gateway: EmbeddedGateway) -> set[str]:
    return gateway.call(lambda serving: set(serving.session.runtime.scheduler.programs))


def waiting(gateway: EmbeddedGateway) -> int:
    return gateway.call(lambda serving: serving.session.runtime.scheduler.waiting_turns)


def syncing(gateway: EmbeddedGateway) -> bool:
    return gateway.call(lambda serving: serving.session.runtime.scheduler.syncing)


async def two_jobs(server: Server, gateway: EmbeddedGateway) -> None:
    first, second = (Experiment(server.url, f"thunder.gateway={gateway.url}", f"thunder.job={job}") for job in ("one", "two"))
    clients: list[ThunderClient] = [await asyncio.to_thread(job.get_inference_client) for job in (first, second)]
    assert {client.proxy_url for client in clients} == {gateway.url}
    token = PHASE.set("train")
    async with clients[0], clients[1]:
        for client in clients:
            await client.generate(batch("x" * 64, "5_0"))
        assert programs(gateway) == {"one/train/5_0", "two/train/5_0"}
        await clients[0].finish_session("5_0")
        await clients[0].pause()  # told after the release
        assert programs(gateway) == {"two/train/5_0"}
        assert syncing(gateway)
        waits = asyncio.create_task(clients[1].generate(batch("x" * 64, "6_0")))
        await asyncio.to_thread(until, lambda: waiting(gateway) == 1)
        await clients[0].resume()
        assert not syncing(gateway)
        await waits
    PHASE.reset(token)
    assert first.host is not None and second.host is not None
    assert first.host.snapshot()["turns_total"] == 3
    assert first.host.sample()["thunder/gateway/turns_total"] == 3
    for job in (first, second):
        await asyncio.to_thread(job.run)  # which leaves the gateway to the others
    assert programs(gateway) == {"two/train/5_0", "two/train/6_0"}


def until(condition: Any) -> None:
    import time

    ends_at_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends_at_s, "it did not come"


def test_two_jobs_with_the_same_sessions_share_one_and_wait_for_each_others_weight_syncs() -> None:
    async def main() -> None:
        async with running() as server, asyncio.timeout(60):
            settings = GatewaySettings(port=0, drain_s=0.0)
            gateway = EmbeddedGateway(ThunderConfig(capacity_tokens=4_000), settings, [server.url], "skyrl")
            await asyncio.to_thread(gateway.start)
            try:
                await two_jobs(server, gateway)
            finally:
                await asyncio.to_thread(gateway.stop)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["thunder.gateway=http://127.0.0.1:9"], "no gateway answers there"),
        (["thunder.gateway=somewhere"], "must be the URL of a gateway"),
        (["thunder.gateway=ray:mine"], "process has not joined one|no actor 'mine'"),  # other tests here may have joined one
        (["thunder.gateway=http://a:1", "thunder.tools.backend=docker"], "sandboxes are those of thunder.gateway"),
    ],
)
def test_what_cannot_be_joined_is_told_in_words(settings: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Experiment("http://127.0.0.1:9", *settings).get_inference_client()


def test_losing_caches_within_a_sync_does_not_end_it() -> None:
    async def main() -> None:
        async with running() as server:
            gateway = EmbeddedGateway(ThunderConfig(), GatewaySettings(port=0, drain_s=0.0), [server.url])
            await asyncio.to_thread(gateway.start)
            try:
                experiment = Experiment(server.url, f"thunder.gateway={gateway.url}")
                await asyncio.to_thread(experiment.get_inference_client)
                host = experiment.host
                assert host is not None
                host.begin_weight_sync()
                host.lose_caches()
                assert syncing(gateway)
                host.end_weight_sync(kv_lost=False)
                assert not syncing(gateway)
                host.lose_caches()
                assert not syncing(gateway)
            finally:
                await asyncio.to_thread(gateway.stop)

    asyncio.run(main())
