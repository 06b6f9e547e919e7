"""Addresses of engines, as users write them."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from thunderagent.errors import ConfigError

PORTS = {"http": 80, "https": 443}


def engine_urls(key: str, texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """The engines' base URLs, and notes for the user on what was left out of what he wrote.

    Raises:
        ConfigError: one is no address of an engine, or is given twice; ``key`` is what the user calls it.
    """
    urls: list[str] = []
    notes: list[str] = []
    seen: dict[tuple[str, str | None, int], str] = {}
    for text in texts:
        url = engine_url(key, text)
        parts = urlsplit(url)
        address = (parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme])
        if address in seen:
            raise ConfigError(key, text, f"the same engine is there as {seen[address]} already")
        seen[address] = text
        urls.append(url)
        if url != text:
            notes.append(f"{text} is used as {url}: paths are the gateway's matter")
    return urls, notes


def engine_url(key: str, text: str) -> str:
    """The base URL, without a slash or ``/v1`` at its end.

    Raises:
        ConfigError: it is no address of an engine.
    """
    if "://" not in text:
        raise ConfigError(key, text, f"must start with http:// or https://, such as http://{text or 'gpu1:8000'}")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ConfigError(key, repr(text), "must not have blanks in it")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port  # the port is read and checked by asking for it
    except ValueError as error:
        raise ConfigError(key, text, f"is no address: {error}") from None
    if parts.scheme not in PORTS:
        raise ConfigError(key, text, "must start with http:// or https://")
    if not host:
        raise ConfigError(key, text, "has no host; it must look like http://gpu1:8000")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(key, f"{parts.scheme}://...@{host}", "must not have a user or a password in it: addresses are logged")
    if parts.query or parts.fragment or parts.path.rstrip("/") not in ("", "/v1"):
        raise ConfigError(
            key, text, f"must end after the port, such as {parts.scheme}://{parts.netloc}: paths are the gateway's matter"
        )
    return f"{parts.scheme}://{parts.netloc}"
