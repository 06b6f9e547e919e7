"""Keys are read, compared, and never shown."""

from __future__ import annotations

import hmac
import logging
from pathlib import Path

import pytest

from thunderagent.adapters.gateway.keys import Keys
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.errors import ConfigError


def key_file(tmp_path: Path, content: bytes, mode: int = 0o600) -> Path:
    file = tmp_path / "keys"
    file.write_bytes(content)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Bearer second"),
        (b"authorization", b"bearer  second "),
        (b"x-api-key", b"second"),
        (b"x-api-key", b" second "),
    ],
)
def test_a_key_is_taken_as_bearer_or_as_api_key(header: tuple[bytes, bytes]) -> None:
    assert Keys(["first", "second"]).given([(b"host", b"x"), header])


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"second")],
        [(b"authorization", b"Basic second")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer seconds")],
        [(b"authorization", b"Bearer \xff\xfe")],
        [(b"x-api-key", b"")],
        [(b"x-api-key", b"Bearer second")],
        [(b"x-other", b"second")],
    ],
)
def test_what_is_not_exactly_a_key_is_none(headers: list[tuple[bytes, bytes]]) -> None:
    assert not Keys(["first", "second"]).given(headers)


def test_one_right_header_is_enough() -> None:
    assert Keys(["key"]).given([(b"authorization", b"Bearer of-the-engine"), (b"x-api-key", b"key")])


def test_without_keys_nobody_shows_one() -> None:
    assert not Keys()
    assert not Keys().given([(b"x-api-key", b""), (b"authorization", b"Bearer ")])
    assert Keys(["key"])


def test_every_key_is_compared_in_constant_time_over_equally_long_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def spy(shown: bytes, known: bytes) -> bool:
        compared.append((len(shown), len(known)))
        return real(shown, known)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    assert Keys(["a", "bb", "c" * 100]).given([(b"x-api-key", b"a")])  # the first is right, the others are looked at all the same
    assert compared == [(32, 32)] * 3


def test_keys_come_from_a_file_and_from_the_environment(tmp_path: Path) -> None:
    file = key_file(tmp_path, b"# of the team\n one \n\n\ttwo\r\n  # old\n")
    keys = Keys.load(file, "KEYS", {"KEYS": "three, four  five"})
    assert all(keys.given([(b"x-api-key", key)]) for key in (b"one", b"two", b"three", b"four", b"five"))
    assert not keys.given([(b"x-api-key", b"# of the team")])
    assert not Keys.load()


def test_keys_are_in_no_representation(tmp_path: Path) -> None:
    keys = Keys.load(key_file(tmp_path, b"secret-one\nsecret-two\n"))
    shown = f"{keys!r} {keys} {[getattr(keys, slot) for slot in keys.__slots__]}"
    assert "secret" not in shown
    assert repr(keys) == "<2 keys>"
    assert "secret" not in repr(GatewaySettings(api_keys=("secret-one",), admin_keys=("secret-two",)))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no key is in it"),
        (b"# nothing\n\n", "no key is in it"),
        (b"fine\nsecret key\n", "key 2 has a character that cannot be sent"),
        ("schl\u00fcssel".encode(), "key 1 has a character that cannot be sent"),
        (b"\xff\xfe\n", "cannot be read: it is no UTF-8"),
    ],
)
def test_an_unusable_key_file_is_named_without_what_is_in_it(tmp_path: Path, content: bytes, problem: str) -> None:
    file = key_file(tmp_path, content)
    with pytest.raises(ConfigError) as caught:
        Keys.load(file)
    assert str(caught.value).startswith(f"key file={file}: {problem}")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_key_file_and_an_empty_variable_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Keys.load(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        Keys.load(tmp_path)
    for environ in ({}, {"KEYS": " , "}):
        with pytest.raises(ConfigError, match="key variable=KEYS: no key is in it"):
            Keys.load(env="KEYS", environ=environ)


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_key_file_that_others_can_read_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warned: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        Keys.load(key_file(tmp_path, b"secret", mode))
    assert ("chmod 600" in caplog.text) is warned
    assert "secret" not in caplog.text
