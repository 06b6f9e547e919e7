"""mini-swe-agent: its own agent, with its own models through LiteLLM, repairs a file in two steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("litellm")
pytest.importorskip("minisweagent.agents.default")
pytest.importorskip("minisweagent.environments.local")
pytest.importorskip("minisweagent.models.litellm_textbased_model")

from minisweagent.agents import default
from minisweagent.environments import local
from minisweagent.models import litellm_model
from minisweagent.models import litellm_textbased_model as textbased

from tests.adapters.gateway.clients.answers import TASK
from tests.adapters.gateway.clients.fake_engine import calling, fake_engine
from tests.adapters.gateway.clients.running import MODEL, Running, gateway_before

# Of LiteLLM's own types.
pytestmark = pytest.mark.filterwarnings("ignore:Item.*ReadOnly:UserWarning")
NAMING = [
    lambda program: {"extra_body": {"program_id": program}},
    lambda program: {"extra_headers": {"X-Session-ID": program}},
]


@pytest.mark.parametrize("naming", NAMING, ids=["body", "header"])
def test_its_agent_repairs_a_file_as_one_program_that_is_released(
    gateway: Running, program: str, tmp_path: Path, naming: Any
) -> None:
    (tmp_path / "calc.py").write_text("def mul(a, b):\n    return a + b\n")
    model = textbased.LitellmTextbasedModel(
        model_name=f"openai/{MODEL}",
        model_kwargs={"api_base": gateway.v1, "api_key": "none", "drop_params": True, **naming(program)},
        cost_tracking="ignore_errors",
    )
    agent = default.DefaultAgent(
        model,
        local.LocalEnvironment(cwd=str(tmp_path), timeout=20),
        system_template="You repair programs, with one command in each answer.",
        instance_template="{{task}}",
        step_limit=5,
        cost_limit=0,
    )
    outcome = agent.run(TASK)
    known = gateway.programs[program]
    released = gateway.post("/programs/release", {"program_id": program})

    assert outcome["exit_status"] == "Submitted"
    assert "return a * b" in outcome["submission"]
    assert (tmp_path / "calc.py").read_text() == "def mul(a, b):\n    return a * b\n"
    assert (known["step_count"], known["backend"]) == (2, gateway.engines[0])
    last = [message["extra"]["response"] for message in agent.messages if "response" in message.get("extra", {})][-1]
    assert last["usage"]["prompt_tokens_details"]["cached_tokens"] > 100  # the second step found the first one
    assert released == {"program_id": program, "released": True}
    assert program not in gateway.programs


def test_its_agent_calls_a_tool_before_a_fake_engine_and_the_gateway_sees_which(program: str, tmp_path: Path) -> None:
    (tmp_path / "calc.py").write_text("def mul(a, b):\n    return a + b\n")
    commands = ["sed -i 's/a + b/a * b/' calc.py", "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat calc.py"]
    with fake_engine() as engine, gateway_before(engine.url) as gateway:
        engine.answer = lambda arrived: calling("bash", commands[len(engine.arrived) - 1])
        model = litellm_model.LitellmModel(
            model_name="openai/fake",
            model_kwargs={"api_base": gateway.v1, "api_key": "none", "extra_body": {"program_id": program}},
            cost_tracking="ignore_errors",
        )
        environment = local.LocalEnvironment(cwd=str(tmp_path), timeout=20)
        prompts = {"system_template": "You repair programs.", "instance_template": "{{task}}"}
        outcome = default.DefaultAgent(model, environment, **prompts, step_limit=5, cost_limit=0).run(TASK)
        known = gateway.programs[program]

    assert "return a * b" in outcome["submission"]
    assert (known["step_count"], known["tool"], known["status"]) == (2, "bash", "acting")
    assert all(b"program_id" not in arrived.body for arrived in engine.arrived)
