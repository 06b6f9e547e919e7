"""SkyRL's client, scheduled, against the simulated engine on a real socket."""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
import pytest

from tests.adapters.engines.simulated.support import EOS, TOKENIZER, Server, serve
from thunderagent.adapters.skyrl.compat import prepare_import
from thunderagent.core import TrPolicy
from thunderagent.errors import TurnRefused

prepare_import()
pytest.importorskip("skyrl")

from skyrl.backends.skyrl_train.inference_servers.remote_inference_client import RemoteInferenceClient  # noqa: E402

from tests.adapters.skyrl.support import HandSession, client_of  # noqa: E402
from thunderagent.adapters.skyrl.client import OURS, ThunderClient  # noqa: E402
from thunderagent.adapters.skyrl.hosts import InProcess  # noqa: E402
from thunderagent.adapters.skyrl.wire import with_valid_salt  # noqa: E402
from thunderagent.adapters.trajectory_ids import PHASE, group_of, phase_of, program_id  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:client.loop:DeprecationWarning")


def batch(text: str, session: str) -> dict[str, Any]:
    sampling = {"max_tokens": 50, "logprobs": 0}
    return {"prompt_token_ids": [TOKENIZER.encode(text)], "session_ids": [session], "sampling_params": sampling}


def test_a_turn_is_scheduled_sent_to_the_chosen_engine_and_profiled_with_the_engines_usage() -> None:
    session = HandSession(TrPolicy())

    async def scenario(server: Server) -> Any:
        client = client_of(server, session)
        token = PHASE.set("train")
        async with client:
            first = await client.generate(batch("x" * 64, "5_0"))
            await client.generate(batch("x" * 64 + "y", "5_1"))
        PHASE.reset(token)
        return first

    output = serve(scenario)
    assert output["responses"] == ["hello<|im_end|>"]
    first, second = session.steps
    assert (first.program_id, first.group, first.phase) == ("train/5_0", "train/5", "train")
    assert (first.prompt_tokens, first.completion_tokens, first.cached_tokens) == (64, 6, 0)
    assert second.cached_tokens == 64
    assert first.prefill_s is not None
    assert first.queue_s is not None


def test_finishing_a_session_releases_its_program() -> None:
    session = HandSession(TrPolicy())

    async def scenario(server: Server) -> None:
        async with client_of(server, session) as client:
            await client.generate(batch("hi", "5_0"))
            assert set(session.runtime.scheduler.programs) == {"rollout/5_0"}
            await client.finish_session("5_0")

    serve(scenario)
    assert session.runtime.scheduler.programs == {}


def test_routers_are_told_of_the_end_of_a_session_and_engines_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    async def finish_session(self: RemoteInferenceClient, session_id: str) -> None:
        told.append(f"{self.proxy_url} {session_id}")

    monkeypatch.setattr(RemoteInferenceClient, "finish_session", finish_session)

    async def scenario(server: Server) -> None:
        async with client_of(server, HandSession(TrPolicy())) as client:
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


def test_a_lost_engine_raises_into_skyrl_unless_trajectories_are_to_end() -> None:
    async def refused(server: Server) -> None:
        session = HandSession(TrPolicy())
        client = client_of(server, session)
        session.url = ""
        async with client:
            await client.generate(batch("hi", "5_0"))

    async def ended(server: Server) -> Any:
        session = HandSession(TrPolicy(), end_on_engine_failure=True)
        client = client_of(server, session)
        session.url = ""
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
    client._thunder = InProcess(HandSession(TrPolicy()))  # type: ignore[arg-type]
    client._warned = client._workers_reset_caches = client._kv_lost = client._loss_told = True
    client.increment_weight_version()
    for module in (pickle, cloudpickle):
        copy = module.loads(module.dumps(client))
        assert type(copy) is RemoteInferenceClient
        assert (copy.proxy_url, copy.weight_version) == ("http://a", 1)
        assert not any(hasattr(copy, name) for name in OURS)
    assert isinstance(client, RemoteInferenceClient)


def test_clients_without_a_scheduler_pass_through() -> None:
    async def scenario(server: Server) -> Any:
        client = client_of(server)
        client.proxy_url = server.url
        async with client:
            return await client.generate(batch("hi", "5_0"))

    assert serve(scenario)["stop_reasons"] == ["stop"]


def test_a_batch_without_session_ids_passes_through_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    session = HandSession(TrPolicy())

    async def scenario(server: Server) -> Any:
        client = client_of(server, session)
        client.proxy_url = server.url
        prompts = {"prompt_token_ids": [TOKENIZER.encode("one"), TOKENIZER.encode("two")], "sampling_params": {"max_tokens": 50}}
        async with client:
            await client.generate(prompts)
            return await client.generate(prompts)

    assert serve(scenario)["stop_reasons"] == ["stop"] * 2
    told = [record.message[:48] for record in caplog.records if record.name.startswith("thunderagent")]
    assert told == ["a batch without one session id per call is not s"]
    assert session.steps == []


def test_ids_name_phase_and_group_where_they_have_skyrls_shape() -> None:
    assert (program_id("5_0"), group_of("a_b_12")) == ("rollout/5_0", "rollout/a_b")
    assert group_of("3f2a9c") == ""
    assert group_of("name_x") == ""
    assert [phase_of(name) for name in ("train/5_0", "eval/5_0", "5_0", "django/django-1_0")] == [
        *("train", "eval"),
        *("rollout", "rollout"),
    ]
