"""The section ``thunder:``: what slime takes without a look is checked here."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import yaml

from thunderagent.adapters.slime.functions import FULLY_ASYNC, ROLLOUT
from thunderagent.adapters.slime.settings import SlimeSettings, settings_of
from thunderagent.config import ThunderConfig
from thunderagent.errors import ConfigError
from thunderagent.tools_config import ToolsConfig

SHIPPED = Path(__file__).parents[3] / "configs" / "slime" / "thunder.yaml"


def read(**top_level: Any) -> SlimeSettings:
    """As slime does: every top-level key becomes an argument."""
    return settings_of(Namespace(rollout_batch_size=4, **top_level))


@pytest.mark.parametrize("section", [{}, {"thunder": None}, {"thunder": {}}])
def test_nothing_has_to_be_said(section: dict[str, Any]) -> None:
    assert read(**section) == SlimeSettings(ThunderConfig(order="age", engine_failure="end"))


def test_slimes_tests_of_plug_ins_give_no_arguments_at_all() -> None:
    assert settings_of(None) == read()


def test_keys_are_the_schedulers_and_the_inner_functions() -> None:
    settings = read(thunder={"mode": "cap", "capacity_tokens": 1000, "order": "waiting", "inner_generate": "my.module.generate"})
    assert settings.config == ThunderConfig(mode="cap", capacity_tokens=1000, engine_failure="end")
    assert (settings.inner_generate, settings.inner_rollout) == ("my.module.generate", ROLLOUT)


def test_sandboxes_have_a_section_of_their_own() -> None:
    settings = read(thunder={"mode": "thunder", "tools": {"backend": "docker", "image": "python:3.12", "max_sandboxes": 64}})
    assert settings.tools == ToolsConfig(backend="docker", image="python:3.12", max_sandboxes=64)


@pytest.mark.parametrize(
    ("tools", "told"),
    [
        ("docker", "thunder.tools=docker: must be a mapping, such as tools: {backend: docker}"),
        ({"backen": "docker"}, "thunder.tools.backen=docker: there is no such key; did you mean backend?"),
        ({"backend": "kubernetes"}, "thunder.tools.backend=kubernetes: must be one of none, docker, bubblewrap, callable"),
    ],
    ids=str,
)
def test_what_is_wrong_with_it_is_said_too(tools: object, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(thunder={"tools": tools})
    assert str(caught.value) == told


def test_evaluation_runs_as_training_does_where_that_can_evaluate() -> None:
    assert read(thunder={"inner_rollout": "my.module.rollout"}).inner_eval == "my.module.rollout"
    assert read(thunder={"inner_rollout": FULLY_ASYNC}).inner_eval == ROLLOUT
    assert read(thunder={"inner_rollout": FULLY_ASYNC, "inner_eval": "my.module.eval"}).inner_eval == "my.module.eval"


@pytest.mark.parametrize(
    ("top_level", "told"),
    [
        ({"thunder": {"capacity_token": 5}}, "thunder.capacity_token=5: there is no such key; did you mean capacity_tokens?"),
        ({"thunder": {"iner_generate": "a.b"}}, "thunder.iner_generate=a.b: there is no such key; did you mean inner_generate?"),
        (
            {"thunder": {"xyz": 5}},
            "thunder.xyz=5: there is no such key; there are inner_generate, inner_rollout, inner_eval, tools, gateway, job, mode",
        ),
        ({"thunder": {7: 5}}, "thunder.7=5: there is no such key"),
        ({"thunder": {"mode": "fast"}}, "thunder.mode=fast: must be one of default, cap, tr, thunder"),
        ({"thunder": {"capacity_tokens": -1}}, "thunder.capacity_tokens=-1: must be a positive number, or null"),
        ({"thunder": "on"}, "thunder=on: must be a mapping, such as thunder: {mode: thunder}"),
        ({"thunder": {"inner_generate": 5}}, "thunder.inner_generate=5: must be the path of a function"),
        ({"thunder": {"inner_rollout": "rollout"}}, "thunder.inner_rollout=rollout: must be the path of a function"),
        ({"thunder": {"inner_generate": "thunderagent.adapters.slime.generate"}}, "must be your own function, or slime's"),
        ({"thundr": {"mode": "tr"}}, "there is no such section; did you mean thunder?"),
        ({"inner_generate": "a.b"}, "inner_generate=a.b: belongs into the section thunder: {inner_generate: ...}"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(top_level: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(**top_level)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_the_file_that_is_shipped_says_what_holds_without_it() -> None:
    shipped = yaml.safe_load(SHIPPED.read_text())
    assert read(**shipped) == read()


def test_a_gateway_that_runs_already_is_text_and_has_its_own_sandboxes() -> None:
    settings = read(thunder={"gateway": "ray:mine", "job": "night"})
    assert (settings.gateway, settings.job) == ("ray:mine", "night")
    with pytest.raises(ConfigError, match=r"thunder\.gateway=True: must be text"):
        read(thunder={"gateway": True})
    with pytest.raises(ConfigError, match=r"thunder\.tools\.backend=docker: must be none: sandboxes are those of"):
        read(thunder={"gateway": "ray:mine", "tools": {"backend": "docker"}})
