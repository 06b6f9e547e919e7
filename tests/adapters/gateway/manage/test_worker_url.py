"""Addresses of engines come in one spelling; those that lead where no engine is are refused, however they are written."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest

from thunderagent.adapters.gateway.manage.worker_url import resolve, usable_url
from thunderagent.errors import RequestProblem

ADDRESSES = {
    "gpu1": ["10.0.0.1"],
    "rack_2.gpu-1.local": ["10.0.0.1", "fd12::1"],
    "metadata.google.internal": ["169.254.169.254"],
    "innocent.example": ["93.184.216.34", "fe80::1%eth0"],
}


def used(text: str) -> str:
    async def look_up(host: str) -> Sequence[str]:
        return ADDRESSES.get(host, [])

    return asyncio.run(usable_url(text, look_up))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://gpu1:8000", "http://gpu1:8000"),
        ("http://gpu1:8000/", "http://gpu1:8000"),
        ("http://gpu1:8000/v1", "http://gpu1:8000"),
        ("HTTP://GPU1:8000/v1/", "http://gpu1:8000"),
        ("https://gpu1", "https://gpu1"),
        ("http://gpu1:80", "http://gpu1"),
        ("https://gpu1:443/", "https://gpu1"),
        ("https://gpu1:80", "https://gpu1:80"),
        ("http://rack_2.gpu-1.local:1", "http://rack_2.gpu-1.local:1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[FD12::1]", "http://[fd12::1]"),
        ("http://10.1.2.3", "http://10.1.2.3"),
    ],
)
def test_an_engine_may_be_anywhere_else(text: str, url: str) -> None:
    assert used(text) == url


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must look like"),
        ("gpu1:8000", "must begin with http"),
        ("//gpu1:8000", "must begin with http"),
        ("ftp://gpu1", "must begin with http"),
        ("file:///etc/passwd", "must begin with http"),
        ("gopher://gpu1:70/x", "must begin with http"),
        ("unix:/run/docker.sock", "must begin with http"),
        ("http://user:secret@gpu1", "no user or password"),
        ("http://@gpu1", "no user or password"),
        ("http://gpu1#@evil", "no query and no fragment"),
        ("http://gpu1/#", "no query and no fragment"),
        ("http://gpu1/?", "no query and no fragment"),
        ("http://gpu1?x=1", "no query and no fragment"),
        ("http://gpu1/v1/chat", "must end after the port"),
        ("http://gpu1/../x", "must end after the port"),
        ("http://gpu1\\@evil", "must look like"),
        ("http://gpu1 .evil", "must look like"),
        ("http://gpu1\r\nHost: evil", "must look like"),
        ("http://gp\u00fc1", "must look like"),
        ("http://" + "a" * 3_000, "must look like"),
        ("http://:8000", "has no host"),
        ("http://", "has no host"),
        ("http://gpu1:0", "port 0"),
        ("http://gpu1:99999", "host or port is not valid"),
        ("http://gpu1:80a", "host or port is not valid"),
        ("http://[::1", "host or port is not valid"),
        ("http://gpu1%00.evil", "host is not valid"),
        ("http://-gpu1", "host is not valid"),
        ("http://nowhere", "host is not known"),
    ],
)
def test_what_is_no_address_of_an_engine_says_why(text: str, why: str) -> None:
    with pytest.raises(RequestProblem, match=why) as caught:
        used(text)
    assert (caught.value.status, caught.value.param) == (400, "url")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.0.1",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "metadata.google.internal",
        "innocent.example",
    ],
)
def test_link_local_and_metadata_addresses_are_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(RequestProblem, match="link-local or metadata"):
        used(f"http://{host}:80")


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "224.0.0.1", "[ff02::1]", "255.255.255.255", "0"])
def test_addresses_at_which_nothing_answers_are_refused(host: str) -> None:
    with pytest.raises(RequestProblem, match="nothing can answer"):
        used(f"http://{host}:80")


def test_names_are_looked_up_on_the_machine() -> None:
    assert set(asyncio.run(resolve("localhost"))) <= {"127.0.0.1", "::1"}
    assert asyncio.run(resolve("x" * 300)) == []


def test_a_name_that_nobody_knows_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async def failing(*args: object, **kwargs: object) -> None:
            raise socket.gaierror

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", failing, raising=False)
        assert await resolve("nowhere") == []

    asyncio.run(scenario())
