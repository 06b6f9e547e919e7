"""The command line: every option composes, and every mistake is one line that says what is allowed; exit status 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("hydra")
from hydra import compose, initialize_config_dir

from recipes.common.config import CONFIG_DIR
from recipes.common.hydra_config import check_spelling
from recipes.skyrl_swe.config import RecipeConfig
from recipes.skyrl_swe.hydra_config import from_omegaconf, register_schema
from thunderagent.errors import ConfigError

register_schema()


def composed(*overrides: str) -> RecipeConfig:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIG_DIR)):
        return from_omegaconf(compose("skyrl_swe", overrides=list(overrides)))


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONFIG_DIR / group).glob("*.yaml"))


def test_without_overrides_the_defaults_of_the_dataclasses_hold() -> None:
    assert composed() == RecipeConfig()


@pytest.mark.parametrize("thunder", options("thunder"))
@pytest.mark.parametrize("scheduling", options("scheduling"))
@pytest.mark.parametrize("capacity", options("capacity"))
@pytest.mark.parametrize("engine", options("engine"))
def test_every_combination_of_options_composes(engine: str, capacity: str, scheduling: str, thunder: str) -> None:
    extra = ["capacity.tokens=1000"] if capacity == "fixed" else []
    extra += [] if engine == "simulated" else ["engine.urls=[http://h:1]", "model=m"]
    config = composed(f"engine={engine}", f"capacity={capacity}", f"scheduling={scheduling}", f"+thunder={thunder}", *extra)
    assert config.engine.kind == engine
    assert config.thunder.enabled == (thunder == "on")
    settings = config.thunder_config(None)
    assert settings.mode == (scheduling.removesuffix("_published") if thunder == "on" else "default")
    assert settings.published == (scheduling == "tr_published")
    assert config.mode == (scheduling if thunder == "on" else "off")


@pytest.mark.parametrize("tools", options("tools"))
def test_with_thunder_off_sandboxes_are_prepared_when_they_are_asked_for(tools: str, tmp_path: Path) -> None:
    extra = ["tools.image=i"] if tools == "docker" else []
    for thunder in ("on", "off"):
        config = composed(f"tools={tools}", f"+thunder={thunder}", *extra).tools_config(tmp_path)
        assert (config.backend, config.ahead, config.image) == (tools, thunder == "on", "")
        assert config.folder == str(tmp_path / "sandboxes"), "what is left goes with the run's other files"


@pytest.mark.parametrize(
    ("argument", "advice"),
    [
        ("thunder=on", "write +thunder=on"),
        ("+thunder=true", "write +thunder=on"),
        ("++thunder=off", "write +thunder=off"),
        ("+thunder=off,true", "write +thunder=off,on"),
        ("+thunder=False", "write +thunder=off"),
    ],
)
def test_near_misses_of_the_switch_get_told_the_right_spelling(argument: str, advice: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_spelling(["-m", argument])
    assert advice in str(caught.value)


def test_the_right_spellings_pass() -> None:
    check_spelling(["-m", "+thunder=off,on", "rollout.steps=1"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scheduling=fast"], "error: scheduling=fast: must be one of cap, default, thunder, tr, tr_published"),
        (["scheduling.mode=fast"], "error: scheduling.mode=fast: must be one of default, cap, tr, thunder"),
        (["capacity.tokens=-5"], "error: capacity.tokens=-5: must be a positive number, or null to ask the engine"),
        (["capacity=fixed"], "error: capacity=fixed: say how much: capacity=fixed capacity.tokens=200000"),
        (["rollout.stepz=1"], "error: rollout.stepz: there is no such key; allowed under rollout:"),
        (["rollout.steps=many"], "error: rollout.steps: Value 'many' of type 'str' could not be converted to Integer"),
        (["rollout.steps=0"], "error: rollout.steps=0: must be a positive number"),
        (["rollout.parallel_prompts=1"], "error: rollout.parallel_prompts=1: must be at least rollout.prompts_per_step=8"),
        (["engine=vllm"], "error: engine.urls=[]: name at least one served engine"),
        (["engine=vllm", "engine.urls=[h:1]"], "error: engine.urls=h:1: must start with http:// or https://"),
        (["engine=vllm", "engine.urls=[http://127.0.0.1:9]"], "error: model=None: name the served model"),
        (
            ["engine=vllm", "engine.urls=[http://127.0.0.1:9]", "model=m"],
            "error: engine.urls=http://127.0.0.1:9: no engine answers there",
        ),
        (["model=m"], "error: model=m: goes with engine=vllm or engine=sglang"),
        (["engine.model=m"], "error: engine.model: there is no such key; allowed under engine:"),
        (["tools=podman"], "error: tools=podman: must be one of bubblewrap, docker, none"),
        (["tools=docker"], "error: tools.image=: name an image that has bash, Python 3, git and tar"),
        (["tools=docker", "tools.image=i", "tools.docker_url=http://127.0.0.1:9"], "error: tools.backend=docker: "),
        (["tools.max_preparing=0"], "error: tools.max_preparing=0: must be"),
        (["tracking.wandb=yes"], "error: tracking.wandb=yes: must be one of auto, offline, online, off"),
        (["+thunder=maybe"], "error: +thunder=maybe: write +thunder="),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "recipes.skyrl_swe", f"hydra.run.dir={tmp_path}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
