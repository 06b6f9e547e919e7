"""Keys are compared, and never shown."""

from __future__ import annotations

import hmac

import pytest

from thunderagent.adapters.gateway.keys import Keys
from thunderagent.adapters.gateway.settings import GatewaySettings


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


def test_keys_are_in_no_representation() -> None:
    keys = Keys(["secret-one", "secret-two"])
    shown = f"{keys!r} {keys} {[getattr(keys, slot) for slot in keys.__slots__]}"
    assert "secret" not in shown
    assert repr(keys) == "<2 keys>"
    assert "secret" not in repr(GatewaySettings(api_keys=("secret-one",), admin_keys=("secret-two",)))
