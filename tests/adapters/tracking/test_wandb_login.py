"""Whether there is a key, found out without asking."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from thunderagent.adapters.tracking.wandb_login import is_logged_in, mode_of_environment


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in [name for name in os.environ if name.startswith("WANDB")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return tmp_path / "netrc"


def test_where_nobody_has_logged_in_runs_are_offline_whatever_the_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (is_logged_in(), mode_of_environment()) == (False, "offline")
    monkeypatch.setenv("WANDB_MODE", "online")  # W&B would ask for a key at the terminal
    assert mode_of_environment() == "offline"


def test_a_key_in_a_variable_or_of_wandb_login_is_found(monkeypatch: pytest.MonkeyPatch, nobody: Path) -> None:
    nobody.write_text("machine api.wandb.ai login user password secret\n")
    assert (is_logged_in(), mode_of_environment()) == (True, None)
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.com")  # there, it is another one
    assert not is_logged_in()
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    assert is_logged_in()


def test_what_the_user_says_of_the_mode_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert mode_of_environment() == "disabled"
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert mode_of_environment() == "offline"


def test_a_broken_netrc_is_no_key(nobody: Path) -> None:
    nobody.write_text("what is this")
    assert not is_logged_in()
