"""The command line: every option composes, and every mistake is one line that says what is allowed; exit status 2."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("hydra")
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore

from recipes.common.config import CONFIG_DIR
from recipes.common.hydra_config import from_omegaconf
from recipes.slime_search.__main__ import NO_SLIME
from recipes.slime_search.arguments import slime_arguments
from recipes.slime_search.config import RecipeConfig
from thunderagent.errors import ConfigError

ConfigStore.instance().store(name="slime_search_schema", node=RecipeConfig)


def composed(*overrides: str) -> RecipeConfig:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIG_DIR)):
        return from_omegaconf(compose("slime_search", overrides=list(overrides)), RecipeConfig)


def test_without_overrides_the_defaults_of_the_dataclasses_hold() -> None:
    assert composed() == RecipeConfig()


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        (["engine=vllm", "engine.urls=[http://h:1]"], "engine.kind"),
        (["engine=sglang"], "engine.urls"),
        (["engine=sglang", "engine.urls=[h:1]"], "engine.urls"),
        (["engine=sglang", "engine.urls=[http://h:1]"], "model"),
        (["model=m"], "model"),
        (["rollout.steps=0"], "rollout.steps"),
        (["rollout.over_sampling=0.5"], "rollout.over_sampling"),
        (["capacity.kind=some"], "capacity.kind"),
        (["rollout.over_sampling=nan"], "rollout.over_sampling"),
        (["rollout.search_latency_s=nan"], "rollout.search_latency_s"),
        (["rollout.search_latency_s=-1"], "rollout.search_latency_s"),
        (["tracking.wandb=maybe"], "tracking.wandb"),
        (["+thunder=on", "scheduling.mode=fast"], "scheduling.mode"),
    ],
)
def test_a_mistake_is_named(overrides: list[str], key: str) -> None:
    with pytest.raises(ConfigError) as error:
        composed(*overrides)
    assert error.value.key == key


def test_the_latency_of_searches_is_scaled_with_the_embedded_engine_alone() -> None:
    assert composed("engine.time_scale=3").search_latency_s == 0.5
    served = composed("engine=sglang", "engine.urls=[http://h:1]", "model=m")
    assert served.search_latency_s == 1.5


@pytest.mark.parametrize(("thunder", "mode"), [("on", "thunder"), ("off", "default")])
def test_slime_gets_its_own_arguments_and_our_section(thunder: str, mode: str, tmp_path: Path) -> None:
    config = composed(f"+thunder={thunder}", "rollout.prompts_per_step=4", "rollout.over_sampling=1.5")
    args = slime_arguments(config, out_dir=tmp_path, dataset=tmp_path / "d", model="m", router=("h", 1), engines=1)
    assert (args.rollout_batch_size, args.over_sampling_batch_size, args.sglang_router_port) == (4, 6, 1)
    assert args.thunder["mode"] == mode
    assert args.thunder["inner_generate"] == "recipes.slime_search.agent.generate"


@pytest.mark.skipif(importlib.util.find_spec("slime") is not None, reason="slime is importable here")
def test_without_slime_one_line_says_how_to_get_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "recipes.slime_search", "+thunder=on"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, f"error: {NO_SLIME.format(module='recipes.slime_search')}\n")
