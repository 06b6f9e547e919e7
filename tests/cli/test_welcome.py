"""What a user sees when the gateway is up."""

from __future__ import annotations

import io
import socket

import pytest
from rich.console import Console

from thunderagent.adapters.engines.standing import EngineStatus
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.cli import welcome
from thunderagent.config import ThunderConfig

ENGINE, NOBODY = "http://gpu1:8000", "http://gpu2:8000"


def standing(url: str, *, up: bool = True, capacity_tokens: int | None = None) -> EngineStatus:
    return EngineStatus(url, up, 1.0, capacity_tokens, None if up else "cannot be reached")


def shown(url: str, config: ThunderConfig, settings: GatewaySettings, *, terminal: bool = True) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=140, color_system=None)
    welcome.show(url, {"http://gpu1:8000": "130,000 tokens of KV cache"}, config, settings, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_an_engine_tells_its_capacity_and_one_that_is_not_there_is_named() -> None:
    engines = [standing(ENGINE, capacity_tokens=1_600), standing(NOBODY, up=False)]
    assert welcome.found(engines) == {ENGINE: "1,600 tokens of KV cache", NOBODY: "not answering yet"}


def test_an_engine_that_tells_no_capacity_needs_to_be_told_one() -> None:
    assert welcome.found([standing(ENGINE)]) == {ENGINE: "does not tell its KV capacity: set --capacity-tokens"}
    told = standing(ENGINE, capacity_tokens=5_000)
    assert welcome.found([told], 5_000) == {ENGINE: "5,000 tokens of KV cache, as you say"}


def test_a_user_sees_where_it_is_what_it_does_and_what_to_write_next() -> None:
    told = shown("http://127.0.0.1:8300", ThunderConfig(), GatewaySettings())

    for line in (
        "listens at  http://127.0.0.1:8300",
        "http://gpu1:8000  130,000 tokens of KV cache",
        "none: whoever reaches it may use it",
        'base_url="http://127.0.0.1:8300/v1"',
        'extra_body={"program_id": "my-agent-1"}',
        "http://127.0.0.1:8300/programs, http://127.0.0.1:8300/metrics",
    ):
        assert line in told


def test_management_on_a_port_of_its_own_is_shown_there() -> None:
    told = shown("http://[::1]:8300", ThunderConfig(), GatewaySettings(admin_port=8301, api_keys=("a",), metrics=False))

    assert "http://[::1]:8301/programs" in told
    assert "/metrics" not in told
    assert "asked of every client" in told


def test_no_key_is_shown() -> None:
    assert "sesame" not in shown("http://x:1", ThunderConfig(), GatewaySettings(api_keys=("sesame",), admin_keys=("sesame",)))


def test_without_a_terminal_nothing_is_shown() -> None:
    assert shown("http://127.0.0.1:8300", ThunderConfig(), GatewaySettings(), terminal=False) == ""


def test_a_gateway_that_listens_everywhere_is_reached_by_the_name_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu7")

    assert welcome.reachable_url("http://0.0.0.0:8300") == "http://gpu7:8300"
    assert welcome.reachable_url("http://[::]:8300") == "http://gpu7:8300"
    assert welcome.reachable_url("http://10.0.0.1:8300") == "http://10.0.0.1:8300"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (ThunderConfig(), "thunder"),
        (
            ThunderConfig(mode="default", routing="least-loaded"),
            "default: turns pass through and are measured; routing least-loaded",
        ),
        (ThunderConfig(mode="cap", programs_per_engine=3), "cap: 3 programs per engine"),
        (ThunderConfig(mode="tr"), "tr: decides with every event"),
        (
            ThunderConfig(mode="tr", tick_s=5.0, acting_half_life_s=1.0),
            "tr: decides every 5 s, tokens in tool calls halve every 1 s",
        ),
        (ThunderConfig(mode="tr", published=True), "tr as published: decides every 5 s"),
    ],
)
def test_the_policy_is_told_with_what_makes_it_this_one(config: ThunderConfig, told: str) -> None:
    assert welcome.policy_text(config) == told
