"""The table at the end of an example, of a real gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from examples import outcome
from examples.outcome import Measured, Outcome, left_behind, show
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway
from thunderagent.tools_config import ToolsConfig

TOOLS = ToolsConfig(backend="callable", factory="examples.local_sandboxes:LocalSandboxes")


@contextmanager
def gateway(**settings: int) -> Iterator[str]:
    """Its URL; no engine answers."""
    started = EmbeddedGateway(
        ThunderConfig(), GatewaySettings(port=0, drain_s=1.0, **settings), ["http://127.0.0.1:9"], tools=TOOLS
    )
    try:
        yield started.start()
    finally:
        started.stop()


def test_a_gateway_without_profiles_is_told_how_to_keep_them(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway(keep_profiles=0) as url:
        show(url, "none", [Outcome("a", True, "done"), Outcome("b", False, "lost")], left_behind(url, "none", ["a", "b"]))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:4] == [
        ["a", "-", "-", "-", "done"],
        ["b", "-", "-", "-", "lost"],
        [*("all", "-", "-", "-"), *["1", "of", "2", "ended", "well"]],
    ]
    assert lines[4][-3:] == ["(thunderagent", "serve", "--profile)"]
    assert lines[5] == ["left", "behind:", "0", "programs,", "0", "sandboxes"]


def test_a_sandbox_that_stays_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "GOING_S", 0.0)
    with gateway() as url:
        made = httpx.post(f"{url}/programs/a/tools", json={"image": ""}, trust_env=False)
        left = left_behind(url, "none", ["a"])
        httpx.post(f"{url}/programs/release", json={"program_id": "a"}, trust_env=False)
        monkeypatch.undo()
        after = left_behind(url, "none", ["a"])
    assert made.status_code == 200
    assert left["sandboxes"] == 1
    assert after == {"programs": 0, "sandboxes": 0}


def test_a_hit_rate_needs_an_engine_that_tells() -> None:
    assert Measured(2, 0.0, 100, 25).hit_rate == "0.25"
    assert Measured(2, 0.0, 100, None).hit_rate == "-"
    assert Measured(0, 0.0, 0, 0).hit_rate == "-"
