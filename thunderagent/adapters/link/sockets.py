"""Links over sockets: frames with their length in front. All frames of one iteration of the loop are written together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
from pathlib import Path
from typing import cast

from thunderagent.adapters.link.address import Address
from thunderagent.adapters.link.transport import Accept, Dial, Link, Receiver
from thunderagent.errors import ConfigError, LinkError

LENGTH_BYTES = 4
MAX_FRAME_BYTES = 64 << 20
"""The longest names the programs of an ended rollout, a million of them; what claims to be longer is no frame."""
MAX_UNSENT_BYTES = 256 << 20
"""A peer that reads nothing for so long is lost: its frames would fill the memory."""
DIAL_TIMEOUT_S = 2.0
"""A host that is there answers at once; one that is not must not keep the next try waiting."""


class FramedProtocol(asyncio.Protocol):
    """One connection, on either side. It is the link that its receiver's side sends on."""

    def __init__(self, receiver: Receiver | None = None, accept: Accept | None = None) -> None:
        """One of the two."""
        self._receiver, self._accept = receiver, accept
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._came = bytearray()
        self._unsent: list[bytes] = []

    # Link

    def send(self, frame: bytes) -> None:
        if self._transport is None:
            return
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent += (len(frame).to_bytes(LENGTH_BYTES, "big"), frame)

    def close(self) -> None:
        self._receiver = None
        self._flush()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    # Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        if self._accept is not None:
            self._receiver = self._accept(self)

    def data_received(self, data: bytes) -> None:
        came = self._came
        came += data
        at, end = 0, len(came)
        while end - at >= LENGTH_BYTES:
            frame_end = at + LENGTH_BYTES + int.from_bytes(came[at : at + LENGTH_BYTES], "big")
            if frame_end - at > MAX_FRAME_BYTES:
                self._fail("sent something that is no frame")
                return
            if frame_end > end:
                break
            receiver = self._receiver
            if receiver is None:  # closed by what came before
                return
            receiver.received(bytes(came[at + LENGTH_BYTES : frame_end]))
            at = frame_end
        del came[:at]

    def eof_received(self) -> None:
        pass

    def connection_lost(self, error: Exception | None) -> None:
        self._fail("closed the connection" if error is None else f"broke the connection ({error})")

    def _flush(self) -> None:
        if self._transport is None or not self._unsent:
            return
        data = b"".join(self._unsent)
        self._unsent.clear()
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self._fail("reads nothing")

    def _fail(self, why: str) -> None:
        receiver, self._receiver = self._receiver, None
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        if receiver is not None:
            receiver.lost(why)


def dialler(address: Address) -> Dial:
    """Reaches the scheduler at this address."""

    async def dial(receiver: Receiver) -> Link:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(DIAL_TIMEOUT_S):
                if address.path is not None:
                    _, link = await loop.create_unix_connection(lambda: FramedProtocol(receiver), str(address.path))
                else:
                    _, link = await loop.create_connection(lambda: FramedProtocol(receiver), address.host, address.port)
        except TimeoutError:
            raise LinkError(f"no scheduler answers at {address} within {DIAL_TIMEOUT_S:g} s") from None
        except OSError as error:
            raise LinkError(f"no scheduler answers at {address} ({error.strerror or error})") from None
        return link

    return dial


async def listen(option: str, address: Address, accept: Accept) -> asyncio.Server:
    """Take links; a Unix socket is for its owner alone.

    Raises:
        ConfigError: it cannot be listened on, or another scheduler does already. Names the option.
    """
    loop = asyncio.get_running_loop()
    try:
        if address.path is None:
            return await loop.create_server(lambda: FramedProtocol(accept=accept), address.host, address.port)
        _make_room(option, address.path)
        return await loop.create_unix_server(lambda: FramedProtocol(accept=accept), sock=_owners_socket(address.path))
    except OSError as error:
        raise ConfigError(option, str(address), f"cannot be listened on ({error.strerror or error})") from None


def forget(address: Address) -> None:
    """Of a server that was closed."""
    if address.path is not None:
        with contextlib.suppress(OSError):
            address.path.unlink()


def _owners_socket(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # nobody may come in between bind and chmod
    try:
        listening.bind(str(path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


def _make_room(option: str, path: Path) -> None:
    """What a scheduler that was killed has left is removed; nothing else is."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError(option, path, "is there already, and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.settimeout(DIAL_TIMEOUT_S)
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        except OSError as error:
            raise ConfigError(option, path, f"cannot be used ({error.strerror or error})") from None
        else:
            raise ConfigError(option, path, "another scheduler listens there")
