"""The command line, run in this process."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from thunderagent.cli import main


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def problem(self) -> str:
        """What a user who made a mistake is told, in one line."""
        assert self.status == 2, self
        assert self.err.startswith("error: "), self
        assert self.err.count("\n") == 1, self
        return self.err.removeprefix("error: ").strip()


class Command:
    """``thunderagent``, with what it printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._captured = monkeypatch, captured

    def __call__(self, *arguments: object) -> Ran:
        self._monkeypatch.setattr(sys, "argv", ["thunderagent", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._captured.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, out, err)
