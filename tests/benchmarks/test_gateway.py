"""The benchmark of the gateway, tiny: engine and load really talk, figures have their goals. No times are looked at."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.gateway import __main__ as benchmark
from benchmarks.gateway import dialect, figures, growth, load, measure, processes, target
from benchmarks.gateway.connection import Answer, ClientConnection, LoadError
from benchmarks.gateway.measure import Amount, Cells
from benchmarks.gateway.target import Target


@pytest.fixture(scope="module")
def engine() -> Iterator[Target]:
    """A fake engine in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.gateway.engine", "--port", "0"]
    with subprocess.Popen(command, cwd=processes.ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Target.of("engine", process.stdout.readline().split()[-1], process.pid)
        process.terminate()


def ask(engine: Target, raw: bytes) -> Answer:
    async def once() -> Answer:
        async with load.connections(engine, 1) as (connection,):
            return await connection.ask(raw)

    return asyncio.run(once())


@pytest.mark.parametrize("body_bytes", [328, 1_000, 19_999, 199_000])
@pytest.mark.parametrize("id_in_body", [False, True])
@pytest.mark.parametrize("stream_tokens", [None, 9])
def test_a_chat_request_is_json_of_just_the_size_that_was_asked_for(
    body_bytes: int, id_in_body: bool, stream_tokens: int | None
) -> None:
    body = dialect.chat(body_bytes, id_in_body=id_in_body, stream_tokens=stream_tokens)

    assert len(body) == body_bytes
    assert json.loads(body).get("program_id") == ("bench/00000000" if id_in_body else None)


def test_a_body_that_has_no_room_for_its_fields_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the body has .* bytes for its messages, at least"):
        dialect.chat(100)


def test_turns_of_a_program_differ_in_their_last_message_and_programs_from_their_first() -> None:
    turn = dialect.Turns(dialect.chat(19_999, id_in_body=True))
    first, second, other = (json.loads(body) for body in (turn(7, 1), turn(7, 2), turn(8, 1)))

    assert (first["program_id"], other["program_id"]) == ("bench/00000007", "bench/00000008")
    assert first["messages"][:-1] == second["messages"][:-1]
    assert first["messages"][-1] != second["messages"][-1]
    assert first["messages"][0] != other["messages"][0]
    assert len(turn(99_999_999, 99_999_999)) == 19_999


def test_the_engine_answers_with_the_usage_of_the_body_that_it_got(engine: Target) -> None:
    answer = ask(engine, load.turns(engine, 4_000)(1, 1))

    assert (answer.status, answer.body) == (200, dialect.answer(1_000))
    assert json.loads(answer.body)["usage"]["prompt_tokens"] == 1_000


def test_the_engine_takes_a_body_in_chunks(engine: Target) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (b"x" * 300, b"y" * 100))

    assert ask(engine, head + pieces + b"0\r\n\r\n").body == dialect.answer(100)


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_a_stream_has_as_many_chunks_as_it_may_have_tokens_wherever_the_field_stands(engine: Target, field: str) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "x" * 5_000}], "stream": True, field: 3}).encode()
    answer = ask(engine, dialect.http_request("x", body))

    events = answer.body.decode().split("\n\n")
    contents = [json.loads(event[6:])["choices"][0]["delta"]["content"] for event in events[:3]]
    assert contents == [" word0", " word1", " word2"]
    assert json.loads(events[4][6:])["usage"]["completion_tokens"] == 3
    assert events[5:] == ["data: [DONE]", ""]


@pytest.mark.parametrize("pace_ms", [0.0, 2.0])
def test_all_chunks_of_streams_side_by_side_arrive(engine: Target, pace_ms: float) -> None:
    processes.set_pace(engine.url, pace_ms)
    before = processes.get_json(f"{engine.url}/stats")
    took = asyncio.run(load.streams(engine, number=8, tokens=20))
    processes.set_pace(engine.url, 0.0)
    after = processes.get_json(f"{engine.url}/stats")

    assert took.chunks == 8 * 20
    assert after["streamed_bytes"] - before["streamed_bytes"] == 8 * len(dialect.stream(82, 20))
    assert after["open_streams"] == 0


def test_a_stream_whose_client_leaves_is_over(engine: Target) -> None:
    processes.set_pace(engine.url, 5_000.0)
    with socket.create_connection((engine.host, engine.port)) as leaver:
        leaver.sendall(load.turns(engine, 328, stream_tokens=1_000)(1, 1))
        assert leaver.recv(12) == b"HTTP/1.1 200"
    while (stats := processes.get_json(f"{engine.url}/stats"))["open_streams"] > 0:
        """The engine has not seen it yet."""
    processes.set_pace(engine.url, 0.0)

    assert stats["aborted_streams"] == 1


@pytest.mark.parametrize("path", ["/health", "/v1/models", "/metrics", "/get_model_info", "/server_info"])
def test_the_engine_has_what_routers_ask_for(engine: Target, path: str) -> None:
    with urllib.request.urlopen(f"{engine.url}{path}") as answer:
        assert answer.status == 200


def test_every_request_of_a_closed_loop_is_answered(engine: Target) -> None:
    before = processes.get_json(f"{engine.url}/stats")["requests"]
    took = asyncio.run(load.closed_loop(engine, body_bytes=328, connected=4, total=50, programs=7))

    assert processes.get_json(f"{engine.url}/stats")["requests"] - before == 4 + 50
    assert took.requests == 50
    assert took.cpu_s > 0


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b'{"error":"full"}', "answers 503"),
        (dialect.stream(82, 3)[:-1], "differ from byte"),
        (dialect.stream(82, 2), "differ from byte"),
        (dialect.stream(9_000, 3), "a body of another length"),
    ],
)
def test_an_answer_that_is_not_the_engines_is_noticed(answer: bytes, complaint: str) -> None:
    verify = load.Verifier(Target("proxy", "x", 1), 328, stream_tokens=3)
    verify(Answer(200, dialect.stream(82, 3), 0.0, 0.0, 1))

    with pytest.raises(LoadError, match=f"proxy: .*{complaint}"):
        verify(Answer(503 if b"error" in answer else 200, answer, 0.0, 0.0, 1))


def test_a_connection_that_is_closed_within_an_answer_is_an_error() -> None:
    async def serve_half() -> None:
        def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        connection = await ClientConnection.open("half", "127.0.0.1", port)
        try:
            with pytest.raises(LoadError, match="half: the connection was closed before the answer's end"):
                await connection.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        finally:
            server.close()

    asyncio.run(serve_half())


def test_nobody_listening_is_an_error() -> None:
    with pytest.raises(LoadError, match="ghost: no connection to"):
        asyncio.run(ClientConnection.open("ghost", "127.0.0.1", processes.free_port()))


def test_cpu_time_includes_that_of_children() -> None:
    """The parent does nothing; its child works until it has used a tenth of a second."""
    child = "import time\nwhile time.process_time() < 0.1: pass\nprint(flush=True)\ninput()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        members, used_s, resident = target.family(process.pid), target.cpu_s(process.pid), target.resident_bytes(process.pid)
        process.stdin.write("\n")

    assert len(members) == 2
    assert 0.1 <= used_s < 2.0
    assert resident > 2**20


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("http://127.0.0.1:9000:1", "must be NAME=URL:PID"),
        ("envoy=http://127.0.0.1:9000", "must be http://HOST:PORT"),
        ("envoy=http://127.0.0.1:9000:x", "must be NAME=URL:PID"),
        ("envoy=https://127.0.0.1:9000:1", "must be http://HOST:PORT"),
        ("envoy=http://127.0.0.1:9000:999999999", "there is no process 999999999"),
    ],
)
def test_a_peer_that_is_not_one_is_answered_with_what_is_wrong(
    text: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        benchmark.main(["--peer", text])

    assert complaint in capsys.readouterr().err


def test_a_peer_is_a_name_a_url_and_a_process() -> None:
    assert Target.parse(f"mine=http://127.0.0.1:9000:{os.getpid()}") == Target("mine", "127.0.0.1", 9_000, os.getpid())


def test_ratios_have_the_goals_and_compare_with_the_public_one_through_nginx() -> None:
    cells = Cells()
    for name, us in {"thunderagent": 150.0, "nginx": 25.0, "sglang-router": 120.0, "mine": 300.0}.items():
        cells.add("small: CPU per request", name, "us", us)
    made = figures.of_cells(cells)

    assert made["small_cpu_us"].value == 150.0
    assert (made["small_cpu_over_sglang_router"].value, made["small_cpu_over_sglang_router"].goal) == (1.25, "<= 1.5")
    assert made["small_cpu_over_public_thunderagent"].value == pytest.approx(150 / 3_420)
    assert made["small_cpu_over_public_thunderagent"].goal == "<= 0.05"
    assert (made["small_cpu_over_mine"].value, made["small_cpu_over_mine"].goal) == (0.5, None)


def test_a_ratio_is_that_of_the_same_round() -> None:
    cells = Cells()
    for ours, theirs in [(1.0, 2.0), (10.0, 20.0), (9.0, 12.0)]:  # what slows one down slows the other one down
        cells.add("small: CPU per request", "thunderagent", "us", ours)
        cells.add("small: CPU per request", "mine", "us", theirs)

    assert cells.ratio("small: CPU per request", "thunderagent", "mine") == 0.5
    assert cells.ratio("small: CPU per request", "thunderagent", "nobody") is None


def test_a_peer_that_was_not_measured_leaves_its_figures_out() -> None:
    cells = Cells()
    cells.add("200kb: CPU per request", "thunderagent", "us", 400.0)

    assert set(figures.of_cells(cells)) == {"200kb_cpu_us"}


@pytest.fixture
def tiny(engine: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """As little load as there can be, and the engine itself stands in for the gateway."""

    @contextlib.contextmanager
    def stand_in(url: str, *options: str) -> Iterator[Target]:
        del options
        yield Target.of("thunderagent", url, engine.pid)

    few = dict.fromkeys(measure.BODIES, 12)
    monkeypatch.setattr(processes, "gateway", stand_in)
    monkeypatch.setattr(growth, "gateway", stand_in)
    monkeypatch.setattr(Amount, "quick", classmethod(lambda _: Amount(2, few, 1, 3, 1, few)))
    extent = growth.Extent(rounds=1, requests=1_100, chunks=2, unreleased=100, watched=2_000)
    monkeypatch.setattr(growth.Extent, "quick", classmethod(lambda _: extent))
    monkeypatch.setattr(growth, "tracked_programs", lambda _: 0)
    monkeypatch.setattr(growth, "MANY_PROGRAMS", 200)
    monkeypatch.setattr(measure, "PACE_MS", 1.0)
    monkeypatch.setattr(growth, "STREAMS_PACE_MS", 1.0)


@pytest.mark.usefixtures("tiny")
def test_the_document_has_figures_with_goals_the_rounds_and_the_environment(engine: Target, tmp_path: Path) -> None:
    path = tmp_path / "new" / "gateway.json"
    peer = f"nginx={engine.url}:{engine.pid}"
    assert benchmark.main(["--quick", "--engine", engine.url, "--peers", "--peer", peer, "--json", str(path)]) == 0
    document = json.loads(path.read_text())

    made = document["figures"]
    assert set(document) == {"figures", "environment", "cells"}
    assert {name: made[name]["goal"] for name in made if name.endswith("public_thunderagent")} == {
        "small_cpu_over_public_thunderagent": "<= 0.05",
        "200kb_cpu_over_public_thunderagent": "<= 0.0666667",
        "chunk_cpu_over_public_thunderagent": "<= 0.25",
    }
    streamed_bytes = 512 * len(dialect.stream(dialect.SMALL_BYTES // dialect.BYTES_PER_TOKEN, 2))
    assert made["streams_512_lost_bytes"] == {"value": 0, "unit": f"of {streamed_bytes:,}", "goal": "<= 0"}
    assert {"programs_10000_over_32", "unreleased_programs_growth_mib", "memory_growth_mib"} <= set(made)
    rounds = next(cell for cell in document["cells"] if cell["what"] == "small: CPU per request" and cell["target"] == "nginx")
    assert len(rounds["samples"]) == 2


@pytest.mark.usefixtures("tiny")
def test_a_part_that_fails_is_told_of_and_the_others_are_measured(
    engine: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LoadError("nobody is there")

    monkeypatch.setattr(growth.load, "streams", fail)
    path = tmp_path / "gateway.json"
    command = ["--quick", "--engine", engine.url, "--peers", "--json", str(path), "--part", "streams", "small"]
    assert benchmark.main(command) == 1

    assert "error in streams: nobody is there" in capsys.readouterr().err
    made = set(json.loads(path.read_text())["figures"])
    assert made == {"small_cpu_us", "small_cpu_over_thunderagent_id_in_body", "used_by_other_processes"}


def test_the_script_explains_itself() -> None:
    ended = subprocess.run([processes.ROOT / "scripts" / "peers", "--help"], capture_output=True, text=True, check=True)

    assert "scripts/peers setup" in ended.stdout


def test_peers_that_are_not_installed_are_named_with_the_command_that_installs_them(tmp_path: Path) -> None:
    shutil.copytree(processes.ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    command = [tmp_path / "scripts" / "peers", "start", "http://127.0.0.1:1", "--only", "sglang-router"]
    environment = {**os.environ, "PYTHON": sys.executable, "THUNDERAGENT_ENGINES": str(tmp_path / "engines")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stderr.readline() == "sglang-router is not installed: scripts/peers setup\n"
        assert process.stdout.readline() == "\n"
        process.terminate()
