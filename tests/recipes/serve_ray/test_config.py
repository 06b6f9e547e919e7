"""What is told before anything is started."""

from __future__ import annotations

import pytest

pytest.importorskip("hydra")

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from recipes.common.config import CONFIG_DIR
from recipes.serve_ray.config import ServeRayConfig
from thunderagent.errors import ConfigError


def composed(*overrides: str) -> ServeRayConfig:
    from recipes.serve_ray import app  # stores the schema

    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = OmegaConf.to_object(compose("serve_ray", list(overrides)))
    assert isinstance(config, ServeRayConfig)
    assert app.from_omegaconf is not None
    config.validate()
    return config


def test_nothing_has_to_be_said() -> None:
    config = composed()
    assert (config.ray.address, config.engine.kind, config.gateway.port) == (None, "simulated", 8300)


def test_engines_are_urls_or_actors_or_both() -> None:
    assert composed("engine=vllm", "engine.actors=[engine-*]").engine.actors == ["engine-*"]
    assert composed("engine=vllm", "engine.urls=[http://a:1]").engine.urls == ["http://a:1"]
    with pytest.raises(ConfigError, match=r"engine\.urls=.*: name engines"):
        composed("engine=vllm")
    with pytest.raises(ConfigError, match=r"engine\.actors=a: goes with engine=vllm or engine=sglang"):
        composed("engine.actors=[a]")
    with pytest.raises(ConfigError, match=r"engine\.port=8301: must be 0"):
        composed("engine.port=8301")


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("ray.max_gateways=0", r"ray\.max_gateways=0: "),
        ("ray.min_gateways=9", r"ray\.max_gateways=4: must be at least ray\.min_gateways=9"),
        ("ray.gateway_cpus=-1", r"ray\.gateway_cpus=-1\.0: must be 0 or more"),
        ("ray.stay=true", r"ray\.stay=True: goes with ray\.address and served engines"),
        ("ray.name=''", r"ray\.name=: must be a name"),
        ("gateway.port=0", r"gateway\.port=0: must be from 1 to 65535"),
        ("gateway.router_for=slime", r"gateway\.router_for=slime: does not go with gateways in Ray Serve"),
        ("gateway.admin_port=8400", r"gateway\.admin_port=8400: does not go with gateways in Ray Serve"),
    ],
)
def test_what_cannot_be_is_told_in_words(override: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        composed(override)
