"""Gateway mode: our gateway in the place of SkyRL's router, for harnesses that make their requests themselves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import cloudpickle
import pytest

from tests.adapters.engines.simulated.support import TOKENIZER, Server, running
from thunderagent.adapters.skyrl.compat import prepare_import

prepare_import()
pytest.importorskip("skyrl")
pytest.importorskip("ray")

from skyrl.backends.skyrl_train.inference_servers.remote_inference_client import RemoteInferenceClient  # noqa: E402

from tests.adapters.skyrl.test_client import batch  # noqa: E402
from thunderagent.adapters.skyrl import mixin  # noqa: E402
from thunderagent.adapters.skyrl.client import ThunderClient  # noqa: E402
from thunderagent.adapters.skyrl.config import ThunderSkyRLConfig  # noqa: E402
from thunderagent.adapters.skyrl.router import ThunderRouter  # noqa: E402
from thunderagent.adapters.trajectory_ids import PHASE  # noqa: E402
from thunderagent.config import ThunderConfig  # noqa: E402
from thunderagent.tools_config import ToolsConfig  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:client.loop:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Item.*ReadOnly:UserWarning"),  # of LiteLLM's own types
]
T = TypeVar("T")
Scenario = Callable[[Server, ThunderClient, ThunderRouter], Awaitable[T]]
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # before it is imported: it would go online for prices
os.environ.setdefault("MSWEA_SILENT_STARTUP", "1")


def behind_a_gateway(scenario: Scenario[T], answers: Any = None, tools: ToolsConfig | None = None, **thunder: Any) -> T:
    """Run it with a client whose host is a gateway before one engine."""

    async def main() -> T:
        async with running(answers) as server, asyncio.timeout(60):
            router = ThunderRouter(ThunderConfig(**thunder), [server.url], "127.0.0.1", tools)
            await asyncio.to_thread(router.start)
            try:
                client = ThunderClient(
                    proxy_url=router.url, server_urls=[server.url], data_parallel_size=1, model_name="simulated"
                )
                client._thunder = router
                async with client:
                    return await scenario(server, client, router)
            finally:
                await asyncio.to_thread(router.shutdown)
                await asyncio.to_thread(router.shutdown)  # SkyRL may do so too

    return asyncio.run(main())


def programs(router: ThunderRouter) -> set[str]:
    return router._gateway.call(lambda serving: set(serving.session.runtime.scheduler.programs))


def test_turns_of_skyrls_own_generators_are_programs_of_their_phase_in_the_gateway_and_are_scheduled_there_alone() -> None:
    async def scenario(server: Server, client: ThunderClient, router: ThunderRouter) -> None:
        assert client.get_endpoint_url() == router.url
        token = PHASE.set("train")
        await client.generate(batch("x" * 64, "5_0"))
        PHASE.set("eval")
        await client.generate(batch("x" * 64, "5_0"))
        assert programs(router) == {"train/5_0", "eval/5_0"}
        await client.finish_session("5_0")
        assert programs(router) == {"train/5_0"}
        PHASE.reset(token)
        assert {phase: metrics["turns"] for phase, metrics in router.take_window().items()} == {"train": 1, "eval": 1}
        assert router.snapshot()["steps"] == 2

    behind_a_gateway(scenario)


def test_a_workers_copy_of_the_client_goes_through_the_gateway_too() -> None:
    async def scenario(server: Server, client: ThunderClient, router: ThunderRouter) -> None:
        async with cloudpickle.loads(cloudpickle.dumps(client)) as copy:
            assert type(copy) is RemoteInferenceClient
            await copy.generate(batch("hi", "5_0"))
            assert programs(router) == {"5_0"}
            await copy.finish_session("5_0")
        assert programs(router) == set()

    behind_a_gateway(scenario)


def test_the_client_ends_sessions_that_a_harness_has_named_itself() -> None:
    async def scenario(server: Server, client: ThunderClient, router: ThunderRouter) -> None:
        body = {"model": "simulated", "messages": [{"role": "user", "content": "hi"}]}
        headers = {"X-Session-ID": "5_0"}
        async with server.http.post(f"{router.url}/v1/chat/completions", json=body, headers=headers) as answer:
            assert answer.status == 200
        assert programs(router) == {"5_0"}
        await client.finish_session("5_0")
        assert programs(router) == set()
        assert router.take_window()["rollout"]["turns"] == 1

    behind_a_gateway(scenario)


@pytest.mark.parametrize(("clear_cache", "lost"), [(False, 0), (True, 1)])
def test_the_gateway_holds_turns_during_the_clients_weight_syncs_and_knows_what_became_of_the_caches(
    clear_cache: bool, lost: int
) -> None:
    async def scenario(server: Server, client: ThunderClient, router: ThunderRouter) -> int:
        def epoch() -> int:
            return router._gateway.call(lambda serving: serving.session.runtime.scheduler.ledger.backends[server.url].epoch)

        before = epoch()
        await client.pause_generation(clear_cache=clear_cache)
        turn = asyncio.create_task(client.generate(batch("hi", "5_0")))
        await asyncio.to_thread(_until, lambda: router.snapshot()["waiting_turns"] == 1)
        await client.resume_generation()
        client.increment_weight_version()
        assert (await turn)["stop_reasons"] == ["stop"]
        after = epoch()
        await client.reset_prefix_cache()
        assert epoch() == after + 1
        return after - before

    assert behind_a_gateway(scenario) == lost


def test_an_engine_that_is_gone_ends_the_trajectory_if_it_is_to() -> None:
    async def scenario(server: Server, client: ThunderClient, router: ThunderRouter) -> Any:
        router._gateway.call(lambda serving: serving.session.runtime.remove_backend(server.url))
        client.tokenizer = TOKENIZER
        return await client.generate(batch("hi", "5_0"))

    output = behind_a_gateway(scenario, engine_failure="end", engine_poll_s=60.0)
    assert output["stop_reasons"] == ["error"]


def test_mini_swe_agent_repairs_a_file_as_one_program_under_skyrls_session(tmp_path: Path) -> None:
    default = pytest.importorskip("minisweagent.agents.default")
    local = pytest.importorskip("minisweagent.environments.local")
    pytest.importorskip("litellm")
    textbased = pytest.importorskip("minisweagent.models.litellm_textbased_model")
    (tmp_path / "calc.py").write_text("def mul(a, b):\n    return a + b\n")

    def agent(endpoint: str) -> Any:
        """What SkyRL's mini-swe example runs in a Ray task."""
        model = textbased.LitellmTextbasedModel(
            model_name="openai/simulated",
            model_kwargs={"api_base": f"{endpoint}/v1", "api_key": "none", "extra_headers": {"X-Session-ID": "5_0"}},
            cost_tracking="ignore_errors",
        )
        environment = local.LocalEnvironment(cwd=str(tmp_path), timeout=20)
        templates = {"system_template": "You repair programs.", "instance_template": "{{task}}"}
        return default.DefaultAgent(model, environment, **templates, step_limit=5, cost_limit=0).run("Repair calc.py")

    async def scenario(server: Server, client: ThunderClient, router: ThunderRouter) -> Any:
        outcome = await asyncio.to_thread(agent, client.get_endpoint_url())
        assert programs(router) == {"5_0"}
        await client.finish_session("5_0")
        assert programs(router) == set()
        return outcome, router.take_window()["rollout"]

    outcome, window = behind_a_gateway(scenario, Repairs())
    assert "return a * b" in outcome["submission"]
    assert (window["turns"], window["failed_turns"]) == (2, 0)
    assert window["kv_hit_rate"] > 0.3  # the second turn found the first one


class Repairs:
    """Two turns, in mini-swe-agent's format."""

    commands = ("sed -i 's/a + b/a * b/' calc.py", "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat calc.py")

    def answer(self, prompt_text: str, session_id: str | None) -> str:
        turn = prompt_text.count("<|im_start|>assistant") - 1
        return f"I go on.\n\n```mswea_bash_command\n{self.commands[min(turn, 1)]}\n```"


class Router:
    """SkyRL's."""

    def __init__(self) -> None:
        self.ended = False

    def shutdown(self) -> None:
        self.ended = True


class Base:
    """As much of ``BasePPOExp`` as makes a client."""

    def __init__(self, server_url: str, **engine: Any) -> None:
        self.cfg = ThunderSkyRLConfig.from_cli_overrides(["thunder.gateway=true", "thunder.capacity_tokens=4000"])
        for key, value in engine.items():
            setattr(self.cfg.generator.inference_engine, key, value)
        self._inference_router: Any = Router()
        self._url = server_url

    def get_inference_client(self) -> Any:
        return RemoteInferenceClient(proxy_url="http://router", server_urls=[self._url], data_parallel_size=1)

    def run(self) -> None:
        pass


class Experiment(mixin.ThunderMixin, Base):
    pass


def test_the_setting_puts_the_gateway_where_skyrls_router_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixin, "get_node_ip", lambda: "127.0.0.1")

    async def scenario(server: Server) -> None:
        experiment = Experiment(server.url)
        replaced = experiment._inference_router
        client = await asyncio.to_thread(experiment.get_inference_client)
        assert replaced.ended
        assert experiment._inference_router is experiment.host
        assert client.proxy_url == experiment.host.url != "http://router"
        assert client.server_urls == [server.url]
        assert experiment.session is None
        await asyncio.to_thread(experiment.run)  # which ends with the gateway
        with pytest.raises(OSError):
            await asyncio.open_connection(*client.proxy_url.removeprefix("http://").split(":"))

    async def main() -> None:
        async with running() as server, asyncio.timeout(30):
            await scenario(server)

    asyncio.run(main())


def test_disaggregated_prefill_stays_behind_skyrls_router(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def router(config: Any, urls: list[str], ip: str, tools: ToolsConfig) -> Any:
        made.append(urls)
        return SimpleNamespace(start=lambda: "http://gateway")

    monkeypatch.setattr("thunderagent.adapters.skyrl.router.ThunderRouter", router)
    monkeypatch.setattr(mixin, "get_node_ip", lambda: "127.0.0.1")
    experiment = Experiment("http://prefill", enable_pd=True)
    client = experiment.get_inference_client()
    assert made == [["http://router"]]
    assert not experiment._inference_router.ended
    assert client.proxy_url == "http://gateway"


def _until(condition: Callable[[], bool]) -> None:
    import time

    ends_at_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends_at_s, "it did not come"
        time.sleep(0.002)
