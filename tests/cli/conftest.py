from __future__ import annotations

import pytest

from tests.cli.support import Command


@pytest.fixture
def thunderagent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """In a terminal of 200 columns, whose size no variable of the machine changes."""
    monkeypatch.setenv("COLUMNS", "200")
    return Command(monkeypatch, capsys)
