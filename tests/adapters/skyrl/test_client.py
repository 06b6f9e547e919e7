"""SkyRL's client, scheduled, against the simulated engine on a real socket."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import cloudpickle
import pytest

from tests.adapters.engines.simulated.support import EOS, TOKENIZER, Server, serve
from thunderagent.adapters.skyrl.compat import prepare_import
from thunderagent.core import DefaultPolicy, Policy, TrPolicy
from thunderagent.errors import TurnRefused
from thunderagent.runtime import Runtime, StepProfile

prepare_import()
pytest.importorskip("skyrl")

from skyrl.backends.skyrl_train.inference_servers.remote_inference_client import RemoteInferenceClient  # noqa: E402

from thunderagent.adapters.skyrl.client import ThunderClient, with_valid_salt  # noqa: E402
from thunderagent.adapters.trajectory_ids import PHASE, group_of, program_id  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:client.loop:DeprecationWarning")


class OneHost:
    def __init__(self, policy: Policy, *, end_on_engine_failure: bool = False) -> None:
        self.steps: list[StepProfile] = []
        self.runtime = Runtime(policy, on_step=self.steps.append)
        self.end_on_engine_failure = end_on_engine_failure
        self.url = ""

    async def start(self) -> None:
        if self.url and "a" not in self.runtime._backends:
            self.runtime.add_backend(self.url, 4_000)


class _Tokenizer:
    eos_token_id = EOS

    def batch_decode(self, ids: list[list[int]]) -> list[str]:
        return [TOKENIZER.decode(each) for each in ids]


def client_of(server: Server, host: OneHost | None) -> ThunderClient:
    client = ThunderClient(
        proxy_url="http://127.0.0.1:9",  # nobody there: turns must go to the engine that was chosen
        server_urls=[server.url],
        data_parallel_size=1,
        model_name="simulated",
        tokenizer=_Tokenizer(),
    )
    if host is not None:
        host.url = server.url
        client._thunder = host
    return client


def batch(text: str, session: str) -> dict[str, Any]:
    sampling = {"max_tokens": 50, "logprobs": 0}
    return {"prompt_token_ids": [TOKENIZER.encode(text)], "session_ids": [session], "sampling_params": sampling}


def test_a_turn_is_scheduled_sent_to_the_chosen_engine_and_profiled_with_the_engines_usage() -> None:
    host = OneHost(TrPolicy())

    async def scenario(server: Server) -> Any:
        client = client_of(server, host)
        token = PHASE.set("train")
        async with client:
            first = await client.generate(batch("x" * 64, "5_0"))
            await client.generate(batch("x" * 64 + "y", "5_1"))
        PHASE.reset(token)
        return first

    output = serve(scenario)
    assert output["responses"] == ["hello<|im_end|>"]
    first, second = host.steps
    assert (first.program_id, first.group, first.phase) == ("train/5_0", "train/5", "train")
    assert (first.prompt_tokens, first.completion_tokens, first.cached_tokens) == (64, 6, 0)
    assert second.cached_tokens == 64
    assert first.prefill_s is not None
    assert first.queue_s is not None


def test_finishing_a_session_releases_its_program() -> None:
    host = OneHost(TrPolicy())

    async def scenario(server: Server) -> None:
        async with client_of(server, host) as client:
            await client.generate(batch("hi", "5_0"))
            assert set(host.runtime.scheduler.programs) == {"rollout/5_0"}
            await client.finish_session("5_0")

    serve(scenario)
    assert host.runtime.scheduler.programs == {}


def test_routers_are_told_of_the_end_of_a_session_and_engines_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    async def finish_session(self: RemoteInferenceClient, session_id: str) -> None:
        told.append(f"{self.proxy_url} {session_id}")

    monkeypatch.setattr(RemoteInferenceClient, "finish_session", finish_session)

    async def scenario(server: Server) -> None:
        async with client_of(server, OneHost(TrPolicy())) as client:
            await client.finish_session("5_0")
            client.proxy_url = server.url
            await client.finish_session("5_1")

    serve(scenario)
    assert told == ["http://127.0.0.1:9 5_0"]


def test_a_salt_is_sent_in_a_form_that_vllm_takes_and_still_tells_weights_apart() -> None:
    salts = ["org/model@0", "org/model@1", "model@0"]
    sent = [with_valid_salt({"cache_salt": salt, "model": "m"})["cache_salt"] for salt in salts]
    assert len(set(sent)) == 3
    assert all(salt.isalnum() and len(salt) <= 128 for salt in sent)
    assert with_valid_salt({"model": "m"}) == {"model": "m"}


def test_turns_wait_while_weights_are_synchronised() -> None:
    host = OneHost(DefaultPolicy())

    async def scenario(server: Server) -> None:
        async with client_of(server, host) as client:
            await client.pause_generation()
            turn = asyncio.create_task(client.generate(batch("hi", "5_0")))
            await asyncio.sleep(0.05)
            assert host.runtime.scheduler.waiting_turns == 1
            await client.resume_generation()
            assert (await turn)["stop_reasons"] == ["stop"]

    serve(scenario)


def test_the_scheduler_knows_when_the_engines_lose_their_kv_caches() -> None:
    host = OneHost(DefaultPolicy())

    async def scenario(server: Server) -> list[int]:
        async with client_of(server, host) as client:
            await host.start()
            backend = host.runtime.scheduler.ledger.backends[server.url]
            epochs = [backend.epoch]
            for clear_cache in (False, True):
                await client.pause_generation(clear_cache=clear_cache)
                await client.resume_generation()
                epochs.append(backend.epoch)
            await client.reset_prefix_cache()
            epochs.append(backend.epoch)
            await client.sleep()
            return [epoch - epochs[0] for epoch in (*epochs, backend.epoch)]

    assert serve(scenario) == [0, 0, 1, 2, 3]


def test_a_failed_pause_lets_turns_start_again() -> None:
    host = OneHost(DefaultPolicy())

    async def scenario(server: Server) -> None:
        async with client_of(server, host) as client:
            client.server_urls = ["http://127.0.0.1:9"]
            with pytest.raises(OSError):
                await client.pause_generation()
            assert not host.runtime.scheduler.syncing
            with pytest.raises(OSError):
                await client.resume_generation()

    serve(scenario)


def test_a_lost_engine_raises_into_skyrl_unless_trajectories_are_to_end() -> None:
    async def refused(server: Server) -> None:
        host = OneHost(TrPolicy())
        client = client_of(server, host)
        host.url = ""
        async with client:
            await client.generate(batch("hi", "5_0"))

    async def ended(server: Server) -> Any:
        host = OneHost(TrPolicy(), end_on_engine_failure=True)
        client = client_of(server, host)
        host.url = ""
        async with client:
            client.server_urls = ["http://127.0.0.1:9"]
            assert await client.pause_generation() == {}
            assert await client.resume_generation() == {}
            return await client.generate(batch("hi", "5_0"))

    with pytest.raises(TurnRefused, match="no backend is up"):
        serve(refused)
    output = serve(ended)
    assert (output["responses"], output["response_ids"], output["stop_reasons"]) == ([""], [[EOS]], ["error"])
    assert output["response_logprobs"] == [[0.0]]


def test_a_pickled_copy_is_a_plain_client_so_that_workers_need_not_have_this_package() -> None:
    client = ThunderClient(proxy_url="http://a", server_urls=["http://b"], data_parallel_size=1, model_name="m")
    client._thunder = OneHost(TrPolicy())
    client.increment_weight_version()
    for module in (pickle, cloudpickle):
        copy = module.loads(module.dumps(client))
        assert type(copy) is RemoteInferenceClient
        assert (copy.proxy_url, copy.weight_version) == ("http://a", 1)
        assert not hasattr(copy, "_thunder")
    assert isinstance(client, RemoteInferenceClient)


def test_batches_without_sessions_and_clients_without_a_host_pass_through() -> None:
    async def scenario(server: Server) -> Any:
        client = client_of(server, None)
        client.proxy_url = server.url
        async with client:
            return await client.generate(batch("hi", "5_0"))

    assert serve(scenario)["stop_reasons"] == ["stop"]


def test_groups_are_taken_from_session_ids_of_skyrls_shape_only() -> None:
    assert (program_id("5_0"), group_of("a_b_12")) == ("rollout/5_0", "rollout/a_b")
    assert group_of("3f2a9c") == ""
    assert group_of("name_x") == ""
