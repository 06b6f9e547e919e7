from __future__ import annotations

import pytest

from thunderagent.adapters.engines.urls import engine_urls
from thunderagent.errors import ConfigError


def test_addresses_are_taken_as_they_are() -> None:
    given = ["http://gpu1:8000", "https://engine.example", "http://[::1]:8000"]

    assert engine_urls("--backends", given) == (given, [])


@pytest.mark.parametrize("text", ["http://gpu1:8000/", "http://gpu1:8000/v1", "http://gpu1:8000/v1/"])
def test_what_clients_write_after_the_port_is_left_out_and_told(text: str) -> None:
    urls, notes = engine_urls("--backends", [text])

    assert urls == ["http://gpu1:8000"]
    assert notes == [f"{text} is used as http://gpu1:8000: paths are the gateway's matter"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("gpu1:8000", "--backends=gpu1:8000: must start with http:// or https://, such as http://gpu1:8000"),
        ("ftp://gpu1", "--backends=ftp://gpu1: must start with http:// or https://"),
        ("http://", "--backends=http://: has no host; it must look like http://gpu1:8000"),
        ("http://gpu1:port", "--backends=http://gpu1:port: is no address: "),
        ("http://gpu1:99999", "--backends=http://gpu1:99999: is no address: "),
        ("http://[::1", "--backends=http://[::1: is no address: "),
        (
            "http://gpu1:8000/v1/chat/completions",
            "must end after the port, such as http://gpu1:8000: paths are the gateway's matter",
        ),
        ("http://gpu1:8000?key=1", "must end after the port"),
        ("http://gpu1:80 00", "--backends='http://gpu1:80 00': must not have blanks in it"),
    ],
)
def test_what_is_no_address_of_an_engine_is_told(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        engine_urls("--backends", [text])
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_password_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        engine_urls("--backends", ["http://me:secret@gpu1:8000"])
    assert "addresses are logged" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("again", ["http://gpu1", "http://GPU1/v1", "http://gpu1:80"])
def test_an_engine_that_is_given_twice_is_told(again: str) -> None:
    with pytest.raises(ConfigError, match=r"the same engine is there as http://gpu1:80/ already"):
        engine_urls("--backends", ["http://gpu1:80/", again])
