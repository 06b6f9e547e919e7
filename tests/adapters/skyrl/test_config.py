"""SkyRL's strict command line knows ``thunder.*``."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from thunderagent.adapters.skyrl.compat import prepare_import
from thunderagent.config import ThunderConfig
from thunderagent.errors import ConfigError
from thunderagent.tools_config import ToolsConfig

prepare_import()
pytest.importorskip("skyrl")

from thunderagent.adapters.skyrl.config import ThunderSection, ThunderSkyRLConfig, refuse_unknown_keys  # noqa: E402


def test_the_defaults_are_those_of_thunder_config() -> None:
    assert ThunderSkyRLConfig.from_cli_overrides([]).thunder_config() == ThunderConfig(order="age")


def test_every_key_is_on_the_page_of_configuration() -> None:
    page = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
    missing = [f.name for f in fields(ThunderSection) if f"| `{f.name}` |" not in page and f"`thunder.{f.name}" not in page]
    assert missing == []


def test_keys_are_typed_and_validated() -> None:
    cfg = ThunderSkyRLConfig.from_cli_overrides(
        ["thunder.mode=default", "thunder.capacity_tokens=1000", "thunder.max_wait_s=null"]
    )
    assert cfg.thunder_config() == ThunderConfig(mode="default", capacity_tokens=1000, max_wait_s=None, order="age")
    wrong = ThunderSkyRLConfig.from_cli_overrides(["thunder.capacity_tokens=-1"])
    with pytest.raises(ConfigError, match=r"thunder\.capacity_tokens=-1: must be a positive number, or null"):
        wrong.thunder_config()


def test_tools_have_keys_of_their_own() -> None:
    assert ThunderSkyRLConfig.from_cli_overrides([]).tools_config() == ToolsConfig()
    chosen = ["thunder.tools.backend=docker", "thunder.tools.max_sandboxes=20", "thunder.tools.idle_ttl_s=null"]
    config = ThunderSkyRLConfig.from_cli_overrides(chosen).tools_config()
    assert config == ToolsConfig("docker", max_sandboxes=20, idle_ttl_s=None)
    wrong = ThunderSkyRLConfig.from_cli_overrides(["thunder.tools.backend=podman"])
    with pytest.raises(ConfigError, match=r"thunder\.tools\.backend=podman: must be one of none, docker, bubblewrap, callable"):
        wrong.tools_config()


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(ValueError, match="bogus"):
        ThunderSkyRLConfig.from_cli_overrides(["thunder.bogus=1"])


def test_a_misspelt_key_is_answered_with_the_nearest() -> None:
    refuse_unknown_keys(["thunder.mode=tr", "thunder.gateway=true", "thunder.tools.image=a", "trainer.epochs=1"])
    with pytest.raises(ConfigError, match=r"the nearest is thunder\.tools\.image$"):
        refuse_unknown_keys(["thunder.tools.imag=a"])
    with pytest.raises(
        ConfigError, match=r"^thunder\.capacity=5: there is no such key; the nearest is thunder\.capacity_tokens$"
    ):
        refuse_unknown_keys(["thunder.capacity=5"])
