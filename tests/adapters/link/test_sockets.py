"""Frames over real sockets."""

from __future__ import annotations

import asyncio
import socket
import stat
from pathlib import Path

import pytest

from thunderagent.adapters.link import sockets
from thunderagent.adapters.link.address import Address
from thunderagent.adapters.link.sockets import FramedProtocol, dialler, forget, listen
from thunderagent.errors import ConfigError, LinkError


class Notes:
    """A receiver that remembers, and answers each frame with itself if it has a link."""

    def __init__(self, link: FramedProtocol | None = None) -> None:
        self.frames: list[bytes] = []
        self.link = link
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.came = asyncio.Event()

    def received(self, frame: bytes) -> None:
        self.frames.append(frame)
        self.came.set()
        if self.link is not None:
            self.link.send(frame)

    def lost(self, reason: str) -> None:
        self.gone.set_result(reason)


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_frames_arrive_whole_and_in_order(kind: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        accepted: list[Notes] = []

        def accept(link: object) -> Notes:
            assert isinstance(link, FramedProtocol)
            accepted.append(Notes(link))
            return accepted[-1]

        address = Address(path=tmp_path / "link") if kind == "unix" else Address(host="127.0.0.1")
        server = await listen("--listen", address, accept)
        if kind == "tcp":
            address = Address(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        notes = Notes()
        link = await dialler(address)(notes)
        frames = [b"", b"one", b"x" * 3_000_000, *(b"%d" % number for number in range(500))]
        for frame in frames:
            link.send(frame)
        async with asyncio.timeout(20):
            while len(notes.frames) < len(frames):
                notes.came.clear()
                await notes.came.wait()
        assert notes.frames == frames == accepted[0].frames
        link.send(b"last")
        link.close()
        assert "the connection" in await asyncio.wait_for(accepted[0].gone, 5)
        assert accepted[0].frames[-1] == b"last", "what was sent before goes out"
        link.send(b"nobody hears this")
        server.close()

    asyncio.run(scenario())


def test_all_frames_of_one_iteration_are_written_together() -> None:
    class Transport(asyncio.Transport):
        def __init__(self) -> None:
            self.written: list[bytes] = []

        def write(self, data: bytes | bytearray | memoryview) -> None:
            self.written.append(bytes(data))

        def get_write_buffer_size(self) -> int:
            return 0

    async def scenario() -> None:
        link, transport = FramedProtocol(Notes()), Transport()
        link.connection_made(transport)
        for frame in (b"one", b"two", b"three"):
            link.send(frame)
        await asyncio.sleep(0)
        assert transport.written == [b"\0\0\0\3one\0\0\0\3two\0\0\0\5three"]

    asyncio.run(scenario())


def test_what_is_no_frame_ends_the_connection(tmp_path: Path) -> None:
    async def scenario() -> None:
        accepted: list[Notes] = []
        address = Address(path=tmp_path / "link")
        server = await listen("--listen", address, lambda link: accepted.append(Notes()) or accepted[-1])  # type: ignore[func-returns-value]
        reader, writer = await asyncio.open_unix_connection(str(address.path))
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await reader.read() == b""
        assert "no frame" in accepted[0].gone.result()
        writer.close()
        server.close()

    asyncio.run(scenario())


def test_a_peer_that_reads_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MAX_UNSENT_BYTES", 1 << 20)

    async def scenario() -> None:
        accepted: list[tuple[FramedProtocol, Notes]] = []

        def accept(link: object) -> Notes:
            assert isinstance(link, FramedProtocol)
            accepted.append((link, Notes()))
            return accepted[-1][1]

        address = Address(path=tmp_path / "link")
        server = await listen("--listen", address, accept)
        with socket.socket(socket.AF_UNIX) as stubborn:
            stubborn.connect(str(address.path))
            async with asyncio.timeout(10):
                while not accepted:  # noqa: ASYNC110 - the kernel tells nobody
                    await asyncio.sleep(0)
                link, notes = accepted[0]
                while not notes.gone.done():
                    link.send(b"x" * 100_000)
                    await asyncio.sleep(0)
            assert notes.gone.result() == "reads nothing"
        server.close()

    asyncio.run(scenario())


def test_a_unix_socket_is_for_its_owner_and_what_a_dead_scheduler_left_is_taken_over(tmp_path: Path) -> None:
    async def scenario() -> None:
        address = Address(path=tmp_path / "link")
        assert address.path is not None
        first = await listen("--listen", address, lambda link: Notes())
        assert stat.S_IMODE(address.path.stat().st_mode) == 0o600
        with pytest.raises(ConfigError, match="another scheduler listens there"):
            await listen("--listen", address, lambda link: Notes())
        first.close()
        assert address.path.exists(), "as after SIGKILL"
        second = await listen("--listen", address, lambda link: Notes())
        second.close()
        forget(address)
        forget(address)
        assert not address.path.exists()
        address.path.write_text("mine")
        with pytest.raises(ConfigError, match="is no socket"):
            await listen("--listen", address, lambda link: Notes())
        with pytest.raises(ConfigError, match="cannot be listened on"):
            await listen("--listen", Address(path=tmp_path / "absent" / "link"), lambda link: Notes())

    asyncio.run(scenario())


def test_where_nobody_listens_the_error_says_where(tmp_path: Path) -> None:
    async def scenario() -> None:
        with pytest.raises(LinkError, match=r"no scheduler answers at unix:.*link"):
            await dialler(Address(path=tmp_path / "link"))(Notes())
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            with pytest.raises(LinkError, match=r"no scheduler answers at tcp:127\.0\.0\.1"):
                await dialler(Address(host="127.0.0.1", port=taken.getsockname()[1]))(Notes())

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("text", "shown", "private"),
    [
        ("unix:/run/link", "unix:/run/link", True),
        ("tcp:127.0.0.1:80", "tcp:127.0.0.1:80", True),
        ("tcp:localhost:80", "tcp:localhost:80", True),
        ("tcp:[::1]:80", "tcp:[::1]:80", True),
        ("tcp:gpu1:80", "tcp:gpu1:80", False),
        ("tcp:0.0.0.0:80", "tcp:0.0.0.0:80", False),
    ],
)
def test_addresses_are_read_and_shown(text: str, shown: str, private: bool) -> None:
    address = Address.parse("--listen", text)
    assert (str(address), address.private) == (shown, private)


@pytest.mark.parametrize(
    "text", ["", "unix:", "unix:relative", "tcp:host", "tcp::80", "tcp:host:x", "tcp:host:65536", "http://a:1"]
)
def test_other_addresses_are_refused_with_what_they_must_be(text: str) -> None:
    with pytest.raises(ConfigError, match="must be unix:/path or tcp:host:port"):
        Address.parse("--listen", text)
    with pytest.raises(ConfigError, match="longer than"):
        Address.parse("--listen", "unix:/" + "x" * 120)
