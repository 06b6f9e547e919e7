"""Where bubblewrap does not work, that is said before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.tools.local import needs_bubblewrap
from thunderagent.adapters.tools.bubblewrap import BubblewrapBackend, why_not
from thunderagent.errors import ConfigError


@pytest.fixture(autouse=True)
def tried_anew() -> Iterator[None]:
    why_not.cache_clear()
    yield
    why_not.cache_clear()


def test_without_bubblewrap_its_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"tools.backend=bubblewrap: needs bwrap, .* \(apt-get install bubblewrap\)"):
        BubblewrapBackend(str(tmp_path))


def bwrap_that(does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "bwrap"
    script.write_text(does)
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_without_user_namespaces_it_says_what_bubblewrap_said_and_how_to_try_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bwrap_that("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n", tmp_path, monkeypatch)
    with pytest.raises(ConfigError, match=r"No permissions to create new namespace.*`bwrap --unshare-all --ro-bind / / true`"):
        BubblewrapBackend(str(tmp_path))


def test_a_bubblewrap_that_cannot_be_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bwrap_that("no program", tmp_path, monkeypatch)
    with pytest.raises(ConfigError, match="bwrap does not run: "):
        BubblewrapBackend(str(tmp_path))


@needs_bubblewrap
def test_it_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_not() == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert why_not() == ""


@needs_bubblewrap
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"tools.folder=.*/file/sandboxes: must be a folder that can be written"):
        BubblewrapBackend(str(tmp_path / "file" / "sandboxes"))


@needs_bubblewrap
def test_without_a_folder_it_is_in_the_users_cache_and_nobody_elses_to_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    BubblewrapBackend()
    assert (tmp_path / "thunderagent" / "sandboxes").stat().st_mode & 0o777 == 0o700
