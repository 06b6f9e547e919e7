"""Environments of SkyRL's own generator get sandboxes in the names of their trajectories."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from tests.adapters.engines.simulated.support import Server, running
from thunderagent.adapters.skyrl.compat import prepare_import

prepare_import()
pytest.importorskip("skyrl")
pytest.importorskip("skyrl_gym")
pytest.importorskip("transformers")

import skyrl_gym  # noqa: E402
from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput  # noqa: E402

from tests.adapters.skyrl.support import ByTurn, Scheduled, scheduled  # noqa: E402
from tests.adapters.skyrl.test_router import behind_a_gateway  # noqa: E402
from thunderagent.adapters.skyrl import tools  # noqa: E402
from thunderagent.adapters.skyrl.client import ThunderClient  # noqa: E402
from thunderagent.adapters.skyrl.router import ThunderRouter  # noqa: E402
from thunderagent.adapters.tools.bubblewrap import why_not  # noqa: E402
from thunderagent.errors import ConfigError, SandboxGone  # noqa: E402
from thunderagent.runtime.tools import Command, HeldSandbox, SandboxProfile, SandboxRequest  # noqa: E402
from thunderagent.tools_config import ToolsConfig  # noqa: E402

pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
    pytest.mark.filterwarnings("ignore:client.loop:DeprecationWarning"),
]
T = TypeVar("T")
SHELL = "thunderagent_test_shell"
END = "<|im_end|>"
"""Of an answer of the embedded engine."""
skyrl_gym.register(id=SHELL, entry_point="tests.adapters.skyrl.test_tools:Shell")


class Shell(BaseTextEnv):
    """Runs what the model says; ends with its second turn, or as ``on_step`` has it."""

    outputs: ClassVar[dict[str, list[str]]] = {}
    on_step: ClassVar[Callable[[Shell], None]] = staticmethod(lambda shell: None)

    def __init__(self, env_config: Any = None, extras: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.program_id = (extras or {})[tools.PROGRAM]
        self.request = SandboxRequest(setup=f"echo {self.program_id} > name")
        self.sandbox: HeldSandbox | None = None

    def init(self, prompt: Any) -> tuple[Any, dict[str, Any]]:
        tools.current().prepare(self.program_id, self.request)
        return prompt, {}

    def step(self, action: str) -> BaseTextEnvStepOutput:
        self.turns += 1
        if self.sandbox is None:
            self.sandbox = tools.current().acquire(self.program_id, self.request)
        type(self).on_step(self)
        output = tools.current().execute(self.program_id, self.sandbox.id, Command(action.removesuffix(END))).text
        self.outputs.setdefault(self.program_id, []).append(output)
        observations = [{"role": "user", "content": output}]
        return BaseTextEnvStepOutput(observations=observations, reward=1.0, done=self.turns == 2, metadata={})


@pytest.fixture
def bubblewrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToolsConfig]:
    monkeypatch.setattr(Shell, "outputs", {})
    yield ToolsConfig("bubblewrap", folder=str(tmp_path))
    assert list(tmp_path.iterdir()) == [], "a sandbox was left behind"


def run(scenario: Callable[[Server, Scheduled], Awaitable[T]], config: ToolsConfig | None, **thunder: Any) -> T:
    async def main() -> T:
        answers = ByTurn("cat name; echo made > file", "cat file")
        async with (
            asyncio.timeout(60),
            running(answers) as server,
            scheduled(server, tools=config, thunder=thunder) as under_test,
        ):
            return await scenario(server, under_test)

    return asyncio.run(main())


def ended(under_test: Scheduled) -> list[SandboxProfile]:
    """Sandboxes are noted here, as programs are done with them."""
    done: list[SandboxProfile] = []
    assert under_test.session.tools is not None
    under_test.session.tools._on_sandbox = done.append
    return done


def test_a_trajectory_has_a_sandbox_of_its_own_for_all_of_its_turns_and_none_afterwards(bubblewrap: ToolsConfig) -> None:
    async def scenario(server: Server, under_test: Scheduled) -> list[SandboxProfile]:
        done = ended(under_test)
        output = await under_test.generate(SHELL, [{}, {}])
        assert [sum(reward) for reward in output["rewards"]] == [2.0] * 4
        under_test.assert_nothing_is_left()
        return done

    done = run(scenario, bubblewrap)
    ids = {f"train/{row}_{sample}" for row in range(2) for sample in range(2)}
    assert Shell.outputs == {program_id: [f"{program_id}\n", "made\n"] for program_id in ids}
    assert sorted((one.program_id, one.outcome) for one in done) == [(program_id, "used") for program_id in sorted(ids)]


def test_training_and_evaluation_do_not_share_sandboxes_though_skyrl_gives_both_the_same_ids(bubblewrap: ToolsConfig) -> None:
    async def scenario(server: Server, under_test: Scheduled) -> None:
        await asyncio.gather(*(under_test.generate(SHELL, [{}], phase, samples=1) for phase in ("train", "eval")))

    run(scenario, bubblewrap)
    assert set(Shell.outputs) == {"train/0_0", "eval/0_0"}


def test_the_sandbox_of_a_trajectory_that_waits_for_admission_is_prepared_meanwhile(bubblewrap: ToolsConfig) -> None:
    async def scenario(server: Server, under_test: Scheduled) -> list[SandboxProfile]:
        done = ended(under_test)
        await under_test.generate(SHELL, [{}])
        return done

    first, second = run(scenario, bubblewrap, mode="cap", programs_per_engine=1)
    assert second.waited_s == 0 < second.prepare_s, "it was ready long before its turn came"
    assert first.program_id != second.program_id


def test_an_environment_that_fails_leaves_no_sandbox(bubblewrap: ToolsConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(shell: Shell) -> None:
        raise RuntimeError("the environment is broken")

    async def scenario(server: Server, under_test: Scheduled) -> list[SandboxProfile]:
        done = ended(under_test)
        with pytest.raises(RuntimeError, match="broken"):
            await under_test.generate(SHELL, [{}], samples=1)
        with pytest.raises(SandboxGone):
            await asyncio.to_thread(tools.current().execute, "train/0_0", "any", Command("ls"))
        return done

    monkeypatch.setattr(Shell, "on_step", staticmethod(fail))
    (one,) = run(scenario, bubblewrap)
    assert (one.program_id, one.outcome) == ("train/0_0", "used")


def test_a_loop_that_is_blocked_by_a_broadcast_stops_no_command(bubblewrap: ToolsConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    ran, began = threading.Event(), list[asyncio.Future[None]]()

    def run_one(shell: Shell) -> None:
        if shell.turns > 1:
            return
        assert shell.sandbox is not None
        began[0].get_loop().call_soon_threadsafe(began[0].set_result, None)
        tools.current().execute(shell.program_id, shell.sandbox.id, Command("true"))
        ran.set()

    async def scenario(server: Server, under_test: Scheduled) -> None:
        began.append(asyncio.get_running_loop().create_future())
        generating = asyncio.ensure_future(under_test.generate(SHELL, [{}], samples=1))
        await began[0]
        assert ran.wait(20), "nothing runs on this loop meanwhile"
        await generating

    monkeypatch.setattr(Shell, "on_step", staticmethod(run_one))
    run(scenario, bubblewrap)


def test_behind_a_gateway_the_tools_are_the_gateways(bubblewrap: ToolsConfig) -> None:
    async def scenario(server: Server, client: ThunderClient, router: ThunderRouter) -> str:
        assert router.tools is not None
        sandbox = await asyncio.to_thread(router.tools.acquire, "train/5_0", SandboxRequest())
        output = await asyncio.to_thread(router.tools.execute, "train/5_0", sandbox.id, Command("echo hi"))
        router.release("train/5_0")
        with pytest.raises(SandboxGone):
            await asyncio.to_thread(router.tools.execute, "train/5_0", sandbox.id, Command("echo hi"))
        return output.text

    assert behind_a_gateway(scenario, tools=bubblewrap) == "hi\n"


def test_without_tools_an_environment_that_asks_for_them_is_told_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_current", [])
    with pytest.raises(ConfigError, match=r"^thunder\.tools\.backend=none: there are no sandboxes: choose docker"):
        tools.current()


def test_trajectories_without_ids_get_no_program() -> None:
    batch: dict[str, Any] = {"env_extras": [{}]}
    tools.name_programs(batch)
    assert batch == {"env_extras": [{}]}
