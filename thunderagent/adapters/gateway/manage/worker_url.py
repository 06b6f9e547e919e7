"""Which addresses may become engines: the gateway sends requests to them, so an address is a weapon (SSRF)."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from thunderagent.errors import RequestProblem

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host name; none: it has none."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL_CHARACTERS = 2_048
USUAL_PORTS = {"http": 80, "https": 443}
RESOLVE_TIMEOUT_S = 5.0
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?")
_METADATA = (ipaddress.ip_network("fd00:ec2::254/128"), ipaddress.ip_network("100.100.100.200/32"))
"""Where clouds keep credentials, outside the link-local networks (AWS over IPv6, Alibaba)."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


async def resolve(host: str) -> Sequence[str]:
    """As the machine's resolver has them."""
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return []
    return [str(address[0]) for *_, address in found]


async def usable_url(text: str, resolve: Resolve = resolve) -> str:
    """An engine's base URL in one spelling.

    Raises:
        RequestProblem: 400, it is none, or leads where no engine can be.
    """
    url, host = base_url(text)
    known = literal_address(host)
    addresses = [known] if known is not None else [ipaddress.ip_address(found) for found in await resolve(host)]
    if not addresses:
        raise _problem("its host is not known: no address is found for it")
    for address in addresses:
        _refuse_dangerous(address)
    return url


def base_url(text: str) -> tuple[str, str]:
    """Scheme, host and port alone (without a ``/v1`` at the end and the usual port), and the host. Not where it leads.

    Raises:
        RequestProblem: 400, it is no such URL.
    """
    if not 0 < len(text) <= MAX_URL_CHARACTERS or not all("!" <= character <= "~" for character in text) or "\\" in text:
        raise _problem("it must look like http://gpu1:8000")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _problem("its host or port is not valid") from None
    if parts.scheme not in USUAL_PORTS:
        raise _problem("it must begin with http:// or https://")
    if "@" in parts.netloc:
        raise _problem("it must have no user or password in it")
    if "?" in text or "#" in text:
        raise _problem("it must have no query and no fragment")
    if parts.path.rstrip("/") not in ("", "/v1"):
        raise _problem("it must end after the port: paths are the gateway's matter")
    if not host or port == 0:
        raise _problem("it has no host, or port 0")
    bracketed = f"[{host}]" if ":" in host else host
    if ":" not in host and not _HOST_NAME.fullmatch(host):
        raise _problem("its host is not valid")
    usual = port is None or port == USUAL_PORTS[parts.scheme]
    return f"{parts.scheme}://{bracketed}" + ("" if usual else f":{port}"), host


def literal_address(host: str) -> Address | None:
    """The address that a host is, in any spelling that a resolver takes (``0xa9fea9fe``); None: it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _refuse_dangerous(address: Address) -> None:
    for inner in (address, _embedded(address)):
        if inner is None:
            continue
        if inner.is_link_local or any(inner in network for network in _METADATA):
            raise _problem("it leads to a link-local or metadata address")
        if inner.is_unspecified or inner.is_multicast or inner == ipaddress.IPv4Address("255.255.255.255"):
            raise _problem("it leads to an address that nothing can answer at")


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _problem(why: str) -> RequestProblem:
    return RequestProblem(400, "invalid_worker_url", f"this is no URL of an engine: {why}", param="url")
