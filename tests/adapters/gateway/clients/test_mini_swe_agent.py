"""mini-swe-agent: its own agent, with its own model through LiteLLM, repairs a file in two steps."""

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
from minisweagent.models import litellm_textbased_model as textbased

from tests.adapters.gateway.clients.answers import TASK
from tests.adapters.gateway.clients.running import MODEL, Running

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
