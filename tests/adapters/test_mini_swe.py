"""mini-swe-agent's environment over our sandboxes: the same as its own ones, for its own agent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("minisweagent")
from minisweagent.agents.default import DefaultAgent
from minisweagent.environments import get_environment
from minisweagent.environments.local import LocalEnvironment
from minisweagent.exceptions import Submitted
from minisweagent.models.test_models import DeterministicModel, make_output

from tests.containers import Containers
from tests.runtime.tools.threads import NEVER, InstantBackend, living
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.mini_swe import SUBMIT, ThunderEnvironment
from thunderagent.adapters.tools.bubblewrap import BubblewrapBackend, why_not
from thunderagent.adapters.tools.docker import DockerBackend
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway
from thunderagent.errors import ConfigError, SandboxGone, SandboxProblem, SandboxRefused
from thunderagent.runtime.tools import SandboxBackend, ToolSettings, ToolThread
from thunderagent.serving import Serving
from thunderagent.tools_config import ToolsConfig

Make = Callable[..., ThunderEnvironment]
KIND = "thunderagent.adapters.mini_swe.ThunderEnvironment"


in_containers = pytest.param("docker", marks=[pytest.mark.containers, pytest.mark.xdist_group("containers")])


@pytest.fixture(params=["bubblewrap", in_containers])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes environments over each backend, the same for both."""
    if request.param == "docker":
        containers: Containers = request.getfixturevalue("containers")
        backend: SandboxBackend = DockerBackend(containers.url)
        image = containers.image
    elif why_not():
        pytest.skip(why_not())
    else:
        backend, image = BubblewrapBackend(str(tmp_path)), ""
    with living(backend, settings=ToolSettings()) as thread:
        yield lambda **config: ThunderEnvironment(sandboxes=thread.tools, **{"image": image, **config})


@pytest.mark.parametrize(
    "command", ["echo a; echo b >&2", "exit 3", "kill -9 $$", "printf '\\377'", f"echo {SUBMIT} && exit 1", "echo a; sleep 100"]
)
def test_what_commands_give_back_is_what_the_local_environment_gives(make: Make, command: str) -> None:
    timeout = 1 if "sleep" in command else 20
    ours = make(timeout=timeout).execute({"command": command})
    theirs = LocalEnvironment(timeout=timeout).execute({"command": f"exec sh -c {_quoted(command)}"})
    assert _without_the_command(ours) == _without_the_command(theirs)


def _quoted(command: str) -> str:
    return "'" + command.replace("'", "'\\''") + "'"


def _without_the_command(output: dict[str, Any]) -> dict[str, Any]:
    """Which messages name, and theirs is wrapped."""
    messages = [output["exception_info"], output.get("extra", {}).get("exception", "")]
    timed_out = [message.endswith("timed out after 1 seconds") for message in messages]
    kind = output.get("extra", {}).get("exception_type")
    # bubblewrap has it that a shell ended by a signal has ended with 128 and its number
    code = 128 - output["returncode"] if output["returncode"] < -1 else output["returncode"]
    return {"output": output["output"], "returncode": code, "timed_out": timed_out, "kind": kind}


def test_a_submission_ends_the_task_with_what_follows_the_marker(make: Make) -> None:
    with pytest.raises(Submitted) as caught:
        make().execute({"command": f"echo {SUBMIT} && echo the patch"})
    (message,) = caught.value.messages
    assert (message["role"], message["extra"]) == ("exit", {"exit_status": "Submitted", "submission": "the patch\n"})


def test_directories_time_outs_and_variables_can_be_set(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "1")
    environment = make(setup="mkdir deep && echo made > made", cwd="/work", env={"THEIRS": "2"}, forward_env=["OURS", "NOBODYS"])
    assert environment.execute({"command": "pwd; cat made; echo $OURS $THEIRS"})["output"] == "/work\nmade\n1 2\n"
    assert environment.execute({"command": "pwd"}, cwd="/work/deep")["output"] == "/work/deep\n"
    assert environment.execute({"command": "sleep 100"}, timeout=1)["returncode"] == -1


def test_commands_can_have_another_interpreter(make: Make) -> None:
    environment = make(interpreter=["sh", "-euc"])
    assert environment.execute({"command": "false; echo 'never said'"}) == {"output": "", "returncode": 1, "exception_info": ""}


def test_mini_swe_agents_own_agent_runs_in_it(make: Make) -> None:
    environment = make(program_id="p", cwd="/work")
    outputs = [make_output("I write", [{"command": "echo 42 > answer"}])]
    outputs.append(make_output("I submit", [{"command": f"echo {SUBMIT}; cat answer"}]))
    templates = {"system_template": "On {{system}}, in {{cwd}}", "instance_template": "{{task}}"}
    agent = DefaultAgent(DeterministicModel(outputs=outputs), environment, **templates)
    assert agent.run("What is it?") == {"exit_status": "Submitted", "submission": "42\n"}
    assert agent.messages[0]["content"] == "On Linux, in /work"
    assert agent.serialize()["info"]["config"]["environment_type"] == KIND


def program_of(thread: ToolThread, program_id: str) -> list[str]:
    """The states of its sandboxes, when the host has done all that it was told."""
    with pytest.raises(SandboxGone):
        thread.tools.execute("nobody", "any", None)  # type: ignore[arg-type]
    return [view.status for view in thread.host.of_program(program_id)]


def test_the_sandbox_is_announced_at_once_and_waited_for_with_the_first_command() -> None:
    with living(InstantBackend()) as thread:
        environment = ThunderEnvironment(sandboxes=thread.tools, program_id="p")
        thread.tools.acquire("q", environment._request)
        assert program_of(thread, "p") == ["ready"]
        environment.execute({"command": "ls"})
        assert program_of(thread, "p") == ["in use"]


@pytest.mark.parametrize("used", [False, True])
def test_a_program_of_its_own_ends_with_the_environment(used: bool) -> None:
    backend = InstantBackend()
    with living(backend) as thread:
        environment = ThunderEnvironment(sandboxes=thread.tools)
        if used:
            environment.execute({"command": "ls"})
        environment.cleanup()
        environment.cleanup()
        assert program_of(thread, environment.program_id) == []


def test_a_program_that_goes_on_gets_back_what_was_used() -> None:
    with living(InstantBackend()) as thread:
        environment = ThunderEnvironment(sandboxes=thread.tools, program_id="p")
        environment.execute({"command": "ls"})
        del environment
        assert program_of(thread, "p") == []


def test_a_backend_that_fails_once_is_an_answer_to_the_agent_and_a_sandbox_that_is_gone_is_the_end() -> None:
    problems: list[Exception] = [SandboxProblem("the engine stumbled"), SandboxGone("it is gone")]

    def fail() -> None:
        raise problems.pop(0)

    with living(InstantBackend(on_command=fail)) as thread:
        environment = ThunderEnvironment(sandboxes=thread.tools)
        output = environment.execute({"command": "ls"})
        assert (output["output"], output["returncode"]) == ("", -1)
        assert output["exception_info"] == "An error occurred while executing the command: the engine stumbled"
        with pytest.raises(SandboxGone):
            environment.execute({"command": "ls"})


def test_a_sandbox_that_cannot_be_had_is_the_end() -> None:
    def fail() -> None:
        raise SandboxProblem("there is no such image", permanent=True)

    with living(InstantBackend(on_prepare=fail)) as thread:
        environment = ThunderEnvironment(sandboxes=thread.tools, image=NEVER, program_id="p")
        with pytest.raises(SandboxRefused, match="no sandbox for program 'p': there is no such image"):
            environment.execute({"command": "ls"})


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[EmbeddedGateway]:
    if why_not():
        pytest.skip(why_not())
    tools = ToolsConfig("bubblewrap", folder=str(tmp_path), setup="echo default > made")
    gateway = EmbeddedGateway(ThunderConfig(), GatewaySettings(port=0), ["http://127.0.0.1:9"], tools=tools)
    gateway.start()
    yield gateway
    gateway.stop()
    assert list(tmp_path.iterdir()) == []


def sandboxes_of(gateway: EmbeddedGateway, program_id: str) -> int:
    def count(serving: Serving) -> int:
        assert serving.session.tools is not None
        return len(serving.session.tools.of_program(program_id))

    return gateway.call(count)


def test_over_a_gateway_it_is_the_same(gateway: EmbeddedGateway) -> None:
    environment = get_environment({"environment_class": KIND, "url": gateway.url, "program_id": "p", "cwd": "/work"})
    assert isinstance(environment, ThunderEnvironment)
    assert sandboxes_of(gateway, "p") == 1, "it is announced"
    output = environment.execute({"command": "cat made; pwd; exit 3"})
    assert output == {"output": "default\n/work\n", "returncode": 3, "exception_info": ""}
    assert environment.execute({"command": "sleep 100"}, timeout=1)["extra"]["exception_type"] == "TimeoutExpired"
    with pytest.raises(Submitted):
        environment.execute({"command": f"echo {SUBMIT}"})
    environment.cleanup()
    assert sandboxes_of(gateway, "p") == 0


def test_over_a_gateway_a_program_of_its_own_ends_with_the_environment(gateway: EmbeddedGateway) -> None:
    environment = ThunderEnvironment(url=gateway.url)
    program_id = environment.program_id
    assert sandboxes_of(gateway, program_id) == 1
    del environment
    assert sandboxes_of(gateway, program_id) == 0


def test_a_gateway_that_is_gone_keeps_nobody_from_ending(gateway: EmbeddedGateway, caplog: pytest.LogCaptureFixture) -> None:
    environment = ThunderEnvironment(url=gateway.url, program_id="p")
    environment.execute({"command": "true"})
    gateway.stop()
    assert "does not answer" in environment.execute({"command": "true"})["exception_info"]
    environment.cleanup()
    assert "a sandbox of program p goes later" in caplog.text


def test_without_tools_it_says_what_is_missing() -> None:
    with pytest.raises(ConfigError, match="name a gateway with tools"):
        get_environment({"environment_class": KIND})
