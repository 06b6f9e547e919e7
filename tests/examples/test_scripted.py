"""What stands in for models: it does what it is asked, and what it says is true."""

from __future__ import annotations

import pytest

from examples import imports
from examples.mini_swe_agent.policy import repairing
from examples.openhands_like import policy as openhands
from examples.scripted import Conversation
from examples.tool_orchestra_like import policy as orchestra
from recipes.skyrl_swe.tasks import load_tasks
from thunderagent.adapters.engines.simulated import tool_calls


def chat(*messages: tuple[str, str]) -> str:
    """A prompt, as the embedded engine shows it to its policy."""
    turns = "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in messages)
    return f"{turns}<|im_start|>assistant\n"


def test_a_prompt_is_taken_apart() -> None:
    results = "\n".join(map(tool_calls.response, ("one", "two")))
    prompt = chat(("system", "be brief"), ("user", "go"), ("assistant", "I call"), ("user", results))
    assert Conversation.of(prompt) == Conversation("be brief", "go", ("one", "two"), turn=1)


@pytest.mark.parametrize("package", imports.PACKAGES)
def test_the_reader_of_packages_ends_with_what_is_true(package: str) -> None:
    messages = [("system", imports.SYSTEM), ("user", imports.question(package))]
    for _ in range(imports.MOST_MODULES):
        said = imports.scripted().answer(chat(*messages), None)
        _, calls = tool_calls.parsed(said)
        if not calls:
            break
        results = [tool_calls.response(imports.FUNCTIONS[call.name](**call.arguments)) for call in calls]
        messages += [("assistant", said), ("user", "\n".join(results))]
    assert imports.right(package, said)
    assert not imports.right(package, f"{said}, nothing")


def test_names_that_are_not_there_are_told_to_the_model() -> None:
    assert imports.list_modules("../os") == "there is no package ../os"
    assert imports.read_module("json", "../os") == "there is no module ../os in json"


def test_the_orchestrators_questions_are_those_of_the_seed() -> None:
    assert orchestra.questions(3, seed=1) == orchestra.questions(5, seed=1)[:3]
    assert orchestra.questions(3, seed=1) != orchestra.questions(3, seed=2)


def test_the_expert_tells_what_is_wrong() -> None:
    claim = "How many digits has 3 to the power of the number of protons of carbon? I say {}, with 6 protons."
    ask = [orchestra.expert().answer(chat(("user", claim.format(said))), None) for said in (3, 4)]
    assert ask == ["right", "wrong: 3 to the power of 6 has 3 digits"]


def test_colleagues_get_scripts_of_their_own() -> None:
    rules, test = openhands.DELEGATED
    said = [openhands.scripted().answer(chat(("user", task)), None) for task in (rules, test, "Repair it.")]
    assert [tool_calls.parsed(text)[1][0].name for text in said] == ["browse", "view", "view"]


@pytest.mark.parametrize("task", load_tasks().values(), ids=lambda task: task.id)
def test_every_bug_has_a_script_in_mini_swe_agents_form(task: object) -> None:
    replies = repairing(task)  # type: ignore[arg-type]
    calls = [tool_calls.parsed(reply)[1] for reply in replies]
    assert all([call.name for call in its] == ["bash"] for its in calls)
    assert "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT" in calls[-1][0].arguments["command"]
