"""How a recipe begins."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("hydra")

from recipes.common import entry
from thunderagent.errors import ConfigError


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler of SIGTERM and the variable are those of the test run again afterwards."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    monkeypatch.setattr(sys, "argv", ["recipe"])


def loading(app: Callable[[], None]) -> Callable[[], tuple[Callable[[], None], Any]]:
    return lambda: (app, None)


def raising(error: BaseException) -> Callable[[], None]:
    def app() -> None:
        raise error

    return app


def test_an_application_runs_when_everything_is_there() -> None:
    ran: list[bool] = []
    entry.run(["hydra"], loading(lambda: ran.append(True)))

    assert ran == [True]


def test_what_is_missing_is_named_with_the_extra_that_brings_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        entry.run(["hydra", "no_such_library"], loading(lambda: None), extra="serve")

    assert ended.value.code == 2
    assert (
        capsys.readouterr().err
        == "error: no_such_library not installed: run scripts/setup, or pip install 'thunderagent[serve]'\n"
    )


@pytest.mark.parametrize(("error", "status"), [(ConfigError("a", 1, "must be 2"), 2), (KeyboardInterrupt(), 130)])
def test_mistakes_and_interrupts_have_their_exit_statuses(error: BaseException, status: int) -> None:
    with pytest.raises(SystemExit) as ended:
        entry.run([], loading(raising(error)))

    assert ended.value.code == status
