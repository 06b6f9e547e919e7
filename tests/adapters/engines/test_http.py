"""Engines are asked over kept connections; whatever is no whole answer is told. Real sockets on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from thunderagent.adapters.engines.engine import Page
from thunderagent.adapters.engines.http import LARGEST_HEAD_BYTES, LARGEST_PAGE_BYTES, EngineHttp
from thunderagent.errors import EngineProblem

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


class Server:
    """Sends prepared bytes for each request, and closes when they are None."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.requests: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.answers:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self.answers.pop(0)
                if answer is None:
                    break
                for piece in answer.split(b"|"):  # in pieces, as networks deliver them
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def run(server: Server, scenario: Callable[[EngineHttp], Awaitable[None]]) -> None:
    async def whole() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        http = EngineHttp(f"http://127.0.0.1:{port}")
        try:
            async with asyncio.timeout(10):
                await scenario(http)
        finally:
            http.close()
            listening.close()

    uvloop.run(whole())


def problem_of(*answers: bytes | None) -> EngineProblem:
    """What is told when a server answers so."""
    told: list[EngineProblem] = []

    async def scenario(http: EngineHttp) -> None:
        with pytest.raises(EngineProblem) as caught:
            await http.get("/x")
        told.append(caught.value)

    run(Server(*answers), scenario)
    return told[0]


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 7\r\n\r\n|up 1\n\n\n",
        b"HTTP/1.1 200 OK\r\ncontent-|type:  text/plain\r\nCONTENT-LENGTH: 7\r|\n\r\nup |1\n\n\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nup |\r\n4;x=y\r\n1\n|\n\n\r\n0\r\n\r|\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n7\r\nup 1\n\n\n\r\n0\r\nTrailer: t\r\n|\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n|" + HEAD + b"Content-Length: 7\r\n\r\nup 1\n\n\n",
    ],
)
def test_an_answer_is_read_however_it_comes(answer: bytes) -> None:
    server = Server(answer, answer)

    async def scenario(http: EngineHttp) -> None:
        for _ in range(2):
            assert await http.get("/metrics") == Page(200, "text/plain", b"up 1\n\n\n")

    run(server, scenario)
    assert server.connections == 1, "it is kept"
    assert server.requests[0].startswith(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"Accept-Encoding: identity\r\n" in server.requests[0]


@pytest.mark.parametrize(
    ("answer", "page"),
    [
        (HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", Page(200, "text/plain", b"ok")),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", Page(200, "", b"ok")),
        (b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", Page(307, "", b"")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Page(204, "", b"")),
    ],
)
def test_any_status_is_an_answer_and_redirects_are_not_followed(answer: bytes, page: Page) -> None:
    server = Server(answer, answer)

    async def scenario(http: EngineHttp) -> None:
        assert [await http.get("/x"), await http.get("/x")] == [page, page]

    run(server, scenario)
    assert all(request.startswith(b"GET /x ") for request in server.requests)


def test_an_answer_may_end_with_its_connection() -> None:
    async def scenario(http: EngineHttp) -> None:
        assert (await http.get("/x")).body == b"up 1\n"

    run(Server(HEAD + b"\r\nup |1\n"), scenario)


def test_a_kept_connection_that_was_closed_is_made_anew() -> None:
    answer = HEAD + b"Content-Length: 2\r\n\r\nok"
    server = Server(answer, None, answer)

    async def scenario(http: EngineHttp) -> None:
        for _ in range(2):
            assert (await http.get("/x")).body == b"ok"

    run(server, scenario)
    assert server.connections == 2


@pytest.mark.parametrize(
    ("answers", "told", "dead"),
    [
        ((None,), "/x is not answered: the connection is closed", True),
        ((HEAD + b"Content-Length: 9\r\n\r\nup 1",), "/x breaks off", False),
        ((HEAD + b"Content-Length: 9\r\n\r\n",), "/x breaks off", False),
        ((HEAD[:20],), "/x breaks off", False),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\nup",), "/x breaks off", False),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\nxx\r\nup",), "/x is not answered in HTTP", False),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nup",), "/x is not answered in HTTP", False),
        ((HEAD + b"Content-Length: many\r\n\r\n",), "/x is not answered in HTTP", False),
        ((b"SSH-2.0-OpenSSH_9.6\r\n\r\n",), "/x is not answered in HTTP", False),
        ((b"\x00garbage\r\n\r\n",), "/x is not answered in HTTP", False),
        ((b"HTTP/1.1 200 OK\r\n" + b"x" * (LARGEST_HEAD_BYTES + 1),), "/x is not answered in HTTP", False),
        ((HEAD + b"\r\n" + b"x" * (LARGEST_PAGE_BYTES + 1),), "/x does not end", False),
    ],
)
def test_what_is_no_whole_answer_is_told(answers: tuple[bytes | None, ...], told: str, dead: bool) -> None:
    problem = problem_of(*answers)
    assert (str(problem), problem.dead) == (told, dead)


def test_nobody_there_is_told() -> None:
    async def scenario() -> None:
        with pytest.raises(EngineProblem, match=r"Cannot connect to 127\.0\.0\.1:9: ") as caught:
            await EngineHttp("http://127.0.0.1:9").get("/x")
        assert caught.value.dead

    asyncio.run(scenario())


def test_an_answer_that_was_given_up_answers_nothing_else() -> None:
    late = HEAD + b"Content-Length: 4\r\n\r\nlate"
    server = Server(b"", late, late.replace(b"late", b"next"))

    async def scenario(http: EngineHttp) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await http.get("/slow")
        assert (await http.get("/x")).body == b"late"
        assert server.connections == 2

    run(server, scenario)


def test_what_comes_unasked_ends_the_connection() -> None:
    answer = HEAD + b"Content-Length: 2\r\n\r\nok"
    server = Server(answer, answer)

    async def scenario(http: EngineHttp) -> None:
        await http.get("/x")
        connection = http._connection
        assert connection is not None
        connection.data_received(b"more")
        assert (await http.get("/x")).body == b"ok"

    run(server, scenario)
    assert server.connections == 2
