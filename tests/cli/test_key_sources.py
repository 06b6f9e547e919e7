from __future__ import annotations

from pathlib import Path

import pytest

from thunderagent.cli.key_sources import key_given, keys_of_environment, keys_of_file
from thunderagent.errors import ConfigError


def test_a_file_has_a_key_per_line_between_comments(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# the lab\nalpha\n\n  beta \nalpha\n")

    assert keys_of_file("--api-key-file", tmp_path / "keys") == ("alpha", "beta")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "holds no key; it needs one per line"),
        (b"# nothing\n\n", "holds no key; it needs one per line"),
        (b"a secret of four words\n", "a key must be printable ASCII without blanks, or no header can carry it"),
        ("schlüssel".encode(), "a key must be printable ASCII without blanks, or no header can carry it"),
        (b"\xff\xfe", "is no text"),
    ],
)
def test_a_file_without_usable_keys_lets_nobody_in_by_mistake(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "keys").write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        keys_of_file("--api-key-file", tmp_path / "keys")
    assert str(caught.value) == f"--api-key-file={tmp_path}/keys: {problem}"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        keys_of_file("--api-key-file", tmp_path / "keys")


def test_a_variable_may_hold_several_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_KEYS", " alpha  beta\n")

    assert keys_of_environment("OUR_KEYS") == ("alpha", "beta")


def test_a_variable_that_is_not_set_is_missed_only_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OUR_KEYS", raising=False)

    assert keys_of_environment("OUR_KEYS") == ()
    with pytest.raises(ConfigError, match="--api-key-env=OUR_KEYS: there is no such variable in the environment"):
        keys_of_environment("OUR_KEYS", option="--api-key-env")


def test_a_variable_that_is_set_and_empty_protects_nobody_and_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_KEYS", " ")

    with pytest.raises(ConfigError, match="environment=OUR_KEYS: is empty; unset it to let everybody in"):
        keys_of_environment("OUR_KEYS")


def test_no_error_shows_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "geheim-schlüssel"
    monkeypatch.setenv("OUR_KEYS", secret)
    for ask in (lambda: keys_of_environment("OUR_KEYS"), lambda: key_given("--api-key", secret)):
        with pytest.raises(ConfigError) as caught:
            ask()
        assert secret not in f"{caught.value} {caught.value.value}"


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: int, warned: bool
) -> None:
    path = tmp_path / "keys"
    path.write_text("secret\n", encoding="utf-8")
    path.chmod(mode)
    keys_of_file("--api-key-file", path)
    told = capsys.readouterr().err
    assert ("chmod 600" in told) is warned
    assert "secret" not in told
