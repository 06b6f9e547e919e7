"""SkyRL's own generator and client over a simulated engine, in one process and without Ray."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from skyrl.backends.skyrl_train.inference_servers.engine_utils import get_sampling_params_for_backend
from skyrl.train.config import GeneratorConfig, SkyRLGymConfig
from skyrl.train.generators.skyrl_gym_generator import SkyRLGymGenerator
from skyrl.train.generators.utils import prepare_generator_input

from recipes.common.hf_tokenizer import make_tokenizer
from tests.adapters.engines.simulated.support import EOS, TOKENIZER, Server
from thunderagent.adapters.engines.reading import EngineKind
from thunderagent.adapters.skyrl.client import ThunderClient
from thunderagent.adapters.skyrl.hosts import InProcess
from thunderagent.adapters.skyrl.mixin import ThunderMixin
from thunderagent.adapters.tracking import Sampler
from thunderagent.adapters.trajectory_ids import session_of
from thunderagent.config import ThunderConfig
from thunderagent.core import Policy
from thunderagent.runtime import Runtime, StepProfile
from thunderagent.session import Session
from thunderagent.tools_config import ToolsConfig


class HandSession:
    """A session over one engine whose clock moves by hand, or not at all by itself."""

    def __init__(
        self, policy: Policy, *, end_on_engine_failure: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.steps: list[StepProfile] = []
        self.runtime = Runtime(policy, clock=clock, on_step=self._took)
        self.end_on_engine_failure = end_on_engine_failure
        self.url = ""
        self._listeners: list[Callable[[StepProfile], None]] = [self.steps.append]

    def on_step(self, listener: Callable[[StepProfile], None]) -> None:
        self._listeners.append(listener)

    def sampler(self) -> Sampler:
        sampler = Sampler(self.runtime, lambda backend_id: None)
        self.on_step(sampler.took_step)
        return sampler

    async def start(self) -> None:
        if self.url and not self.runtime.backends:
            self.runtime.add_backend(self.url, 4_000)

    def close(self) -> None:
        pass

    def _took(self, step: StepProfile) -> None:
        for listener in self._listeners:
            listener(step)


class TestTokenizer:
    __test__ = False
    eos_token_id = EOS

    def batch_decode(self, ids: list[list[int]]) -> list[str]:
        return [TOKENIZER.decode(each) for each in ids]


def client_of(server: Server, session: HandSession | None = None) -> ThunderClient:
    """Without a session, it schedules nothing. Nobody is at its proxy: turns must go to the engine that was chosen."""
    client = ThunderClient(
        proxy_url="http://127.0.0.1:9",
        server_urls=[server.url],
        data_parallel_size=1,
        model_name="simulated",
        tokenizer=TestTokenizer(),
    )
    if session is not None:
        session.url = server.url
        client._thunder = InProcess(session)  # type: ignore[arg-type]
    return client


class ByTurn:
    """Answers the first turn of every trajectory with the first text, and so on; the last one again and again."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def answer(self, prompt_text: str, session_id: str | None) -> str:
        turn = prompt_text.count("<|im_start|>assistant") - 1
        return self.texts[min(turn, len(self.texts) - 1)]


class Scheduled:
    """An unmodified ``SkyRLGymGenerator`` under the mixin, and the session that schedules its turns."""

    def __init__(self, session: Session, client: ThunderClient, generator: Any, steps: list[StepProfile]) -> None:
        self.session, self.client, self.generator, self.steps = session, client, generator, steps

    async def generate(self, env_class: str, rows: Sequence[dict[str, Any]], phase: str = "train", samples: int = 2) -> Any:
        """One batch: ``samples`` trajectories of each row, which is what the dataset says beside the prompt."""
        return await self.generator.generate(self.batch(env_class, rows, phase, samples), disable_tqdm=True)

    def batch(self, env_class: str, rows: Sequence[dict[str, Any]], phase: str = "train", samples: int = 2) -> Any:
        prompts = [
            {
                "prompt": [{"role": "user", "content": "What is 6*7?"}],
                "env_class": None,
                "uid": str(number),
                "env_extras": dict(row),
            }
            for number, row in enumerate(rows)
        ]
        sampling = get_sampling_params_for_backend("vllm", self.generator.generator_cfg.sampling_params)
        return prepare_generator_input(prompts, samples, sampling, env_class, phase, 1)[0]

    def assert_nothing_is_left(self) -> None:
        scheduler = self.session.runtime.scheduler
        assert (dict(scheduler.programs), scheduler.waiting_turns, self.session.runtime._turns) == ({}, 0, {})


@asynccontextmanager
async def scheduled(
    *servers: Server,
    thunder: dict[str, Any] | None = None,
    gym: SkyRLGymConfig | None = None,
    tools: ToolsConfig | None = None,
    **generator: Any,
) -> AsyncIterator[Scheduled]:
    """``thunder``: of ``ThunderConfig``; ``generator``: of SkyRL's ``GeneratorConfig``."""
    urls = [server.url for server in servers]
    config = ThunderConfig(**(thunder or {}))
    session = Session(config, urls, kind=EngineKind.SKYRL, session_of=session_of, tools=tools, tools_apart=True)
    steps: list[StepProfile] = []
    session.on_step(steps.append)
    tokenizer = make_tokenizer()
    client = ThunderClient(proxy_url=urls[0], server_urls=urls, data_parallel_size=1, model_name="simulated", tokenizer=tokenizer)
    client._thunder = InProcess(session)
    of_generator = GeneratorConfig(**{"max_turns": 3, "max_input_length": 4_000, **generator})

    class Experiment(ThunderMixin, OnlyAGenerator):
        pass

    experiment = Experiment()
    experiment.host = client._thunder
    generator_under_test = experiment.get_generator(of_generator, tokenizer, (client, gym or SkyRLGymConfig()))
    try:
        async with client:
            yield Scheduled(session, client, generator_under_test, steps)
    finally:
        await session.stop()


class OnlyAGenerator:
    """As much of ``BasePPOExp`` as a generator needs."""

    def get_generator(self, cfg: Any, tokenizer: Any, client_and_gym: Any) -> Any:
        client, gym = client_and_gym
        return SkyRLGymGenerator(cfg, gym, client, tokenizer)


GSM8K = {"reward_spec": {"method": "rule", "ground_truth": "42"}, "extra_info": {}}
"""A row of gsm8k's dataset."""
