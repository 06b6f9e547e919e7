"""A look over real sockets: at engines, at everything that is none, and at nothing."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.adapters.engines.checkup.support import Canned, Recorded, embedded, raw, served, text, told
from thunderagent.adapters.engines.checkup import Checkup, Finding, Verdict, check_up
from thunderagent.adapters.engines.checkup.client import LARGEST_PAGE_BYTES
from thunderagent.adapters.engines.reading import EngineKind

PAGES = Path(__file__).parents[1] / "pages"
HTTP_200 = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def look(*urls: str, timeout_s: float = 10.0, **options: Any) -> list[Checkup]:
    return asyncio.run(check_up(urls, timeout_s=timeout_s, **options))


def only(checkup: Checkup, check: str) -> Finding:
    [found] = [finding for finding in checkup.findings if finding.check == check]
    return found


def verdicts(checkup: Checkup) -> dict[str, Verdict]:
    return {finding.check: finding.verdict for finding in checkup.findings}


def test_the_embedded_engine_has_all_that_scheduling_needs() -> None:
    with embedded() as url:
        [checkup] = look(url)

    assert checkup.ready, checkup.blind
    assert checkup.name == "the embedded, simulated engine"
    needed = {finding.check: finding.verdict for finding in checkup.findings if finding.needed}
    assert set(needed.values()) == {Verdict.OK}
    assert only(checkup, "models").seen == "simulated (up to 4,096 tokens)"
    assert only(checkup, "kv_capacity").seen == "4,096 tokens (256 blocks of 16)"


def test_without_a_request_what_only_requests_tell_stays_unknown_and_blinds_nobody() -> None:
    with embedded() as url:
        [checkup] = look(url, request=False)

    assert checkup.ready
    unknown = [check for check, verdict in verdicts(checkup).items() if verdict is Verdict.UNKNOWN]
    assert unknown == ["request", "cached_tokens", "stream_usage", "abort"]


def test_vllm_without_prefix_caching_is_named_with_the_flag_to_leave_out() -> None:
    with served(Recorded.vllm(prefix_caching=False).app()) as url:
        [checkup] = look(url, request=False)

    assert (checkup.kind, checkup.name) == (EngineKind.VLLM, "vLLM 0.32.0")
    assert [finding.check for finding in checkup.blind] == ["prefix_caching"]
    assert only(checkup, "prefix_caching").fix == "start it without --no-enable-prefix-caching"
    assert only(checkup, "kv_capacity").seen == "8,192 tokens (256 blocks of 32)"


def test_vllm_without_its_statistics_is_blind_for_load_and_capacity() -> None:
    silent = Recorded.vllm().having(metrics=text("process_start_time_seconds 1.7e+09\n"))
    with served(silent.app()) as url:
        [checkup] = look(url, request=False)

    assert [finding.check for finding in checkup.blind] == ["metrics", "kv_capacity"]
    assert only(checkup, "metrics").fix == "start it without --disable-log-stats"


def test_optional_things_of_vllm_are_seen() -> None:
    everything = Recorded.vllm().having(
        kv_event_sources=told({"0": {"enable_kv_cache_events": True, "publisher": "zmq"}}),
        is_paused=told({"is_paused": False}),
        server_info=told({"vllm_config": {"scheduler_config": {"policy": "priority"}}}),
    )
    with served(everything.app()) as url:
        [checkup] = look(url, request=False)

    assert verdicts(checkup)["kv_events"] is verdicts(checkup)["development"] is verdicts(checkup)["priority"] is Verdict.OK


def test_sglang_tells_by_its_arguments_what_it_leaves_out() -> None:
    arguments = {"enable_metrics": False, "enable_cache_report": False, "disable_radix_cache": True, "kv_events_config": None}
    with served(Recorded.sglang(**arguments).app()) as url:
        [checkup] = look(url, request=False)

    assert (checkup.kind, checkup.name) == (EngineKind.SGLANG, "SGLang 0.5.23")
    fixes = {finding.check: finding.fix for finding in checkup.blind}
    assert fixes == {
        "metrics": "start it with --enable-metrics",
        "prefix_caching": "start it without --disable-radix-cache",
        "cached_tokens": "start it with --enable-cache-report",
    }


def test_sglang_with_its_flags_is_ready() -> None:
    arguments = {"enable_metrics": True, "enable_cache_report": True, "disable_radix_cache": False, "kv_events_config": "{}"}
    with served(Recorded.sglang(**arguments, enable_priority_scheduling=True).app()) as url:
        [checkup] = look(url, request=False)

    assert checkup.ready
    assert only(checkup, "priority").seen == "taken, higher first"


def test_a_server_of_skyrl_gets_the_settings_of_skyrl_as_advice() -> None:
    post_only = Canned("", status=405)
    with served(Recorded.vllm(prefix_caching=False).having(skyrl__v1__generate=post_only).app()) as url:
        [checkup] = look(url, request=False)

    assert checkup.kind is EngineKind.SKYRL
    assert only(checkup, "prefix_caching").fix == "start it with generator.inference_engine.enable_prefix_caching=true"


# Real engines' pages


def page_of(name: str) -> Canned:
    body = (PAGES / name).read_text(encoding="utf-8")
    return Canned(body) if name.endswith(".json") else text(body)


@pytest.mark.parametrize(
    ("name", "capacity", "ranks"),
    [
        ("vllm_0_32", "8,192 tokens (256 blocks of 32)", "one"),
        ("vllm_0_32_two_ranks", "16,384 tokens (2 ranks of 8,192)", "2; a request can name its own (X-data-parallel-rank)"),
    ],
)
def test_pages_of_a_real_vllm(name: str, capacity: str, ranks: str) -> None:
    real = Recorded.vllm().having(
        metrics=page_of(f"{name}.txt"), server_info=page_of(f"{name}_server_info.json"), is_paused=told({"is_paused": False})
    )
    with served(real.app()) as url:
        [checkup] = look(url, request=False)

    assert checkup.ready
    assert (only(checkup, "kv_capacity").seen, only(checkup, "ranks").seen) == (capacity, ranks)
    assert only(checkup, "prefix_caching").verdict is only(checkup, "development").verdict is Verdict.OK


def test_pages_of_a_real_sglang() -> None:
    real = Recorded.sglang().having(
        v1__loads=page_of("sglang_0_5_23_loads.json"),
        server_info=page_of("sglang_0_5_23_server_info.json"),
        model_info=page_of("sglang_0_5_23_model_info.json"),
        metrics=page_of("sglang_0_5_23.txt"),
    )
    with served(real.app()) as url:
        [checkup] = look(url, request=False)

    assert (checkup.ready, checkup.name) == (True, "SGLang 0.5.23")
    assert only(checkup, "kv_capacity").seen == "8,192 tokens"


# Keys


def guarded(key: str) -> web.Application:
    """The embedded engine's pages behind a key, as vLLM guards them: what begins with /v1."""
    app = Recorded.vllm().app()

    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith("/v1") and request.headers.get("Authorization") != f"Bearer {key}":
            return web.json_response({"error": "Unauthorized"}, status=401)
        return await handler(request)  # type: ignore[no-any-return]

    app.middlewares.append(web.middleware(guard))
    return app


def test_an_engine_that_wants_a_key_says_so() -> None:
    with served(guarded("sesame")) as url:
        [without] = look(url)
        [wrong] = look(url, key="open")

    assert [finding.check for finding in without.blind] == ["models"]
    assert only(without, "models").seen == only(wrong, "models").seen
    assert only(without, "models").seen == "it asks for an API key, or for another one (/v1/models answers 401)"
    assert only(without, "models").fix == "name its API key with --api-key-file or --api-key-env"
    assert only(without, "request").seen == "no model is known to ask"


def test_with_its_key_it_is_looked_at() -> None:
    with served(guarded("sesame")) as url:
        [checkup] = look(url, key="sesame", request=False)

    assert checkup.ready
    assert checkup.asks_for_key


# Nothing answers


def nobody() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def problem_of(url: str, check: str = "reachable", **options: Any) -> tuple[str, str | None]:
    [checkup] = look(url, **options)
    assert not checkup.ready
    found = checkup.findings[-1]
    assert (found.check, found.verdict) == (check, Verdict.WRONG)
    return found.seen, found.fix


def test_nothing_listens() -> None:
    seen, fix = problem_of(nobody())

    assert seen == "nothing listens there (connection refused)"
    assert fix == "start the engine, or correct the address"


def test_a_name_that_there_is_not() -> None:
    assert problem_of("http://there-is-no-such-host.invalid:8000") == (
        "there is no machine called there-is-no-such-host.invalid",
        "correct the address",
    )


def test_a_server_that_hangs() -> None:
    with raw(b"", hangs=True) as url:
        seen, fix = problem_of(url, timeout_s=0.2)

    assert seen == "takes the connection, but /v1/models is not answered within 0.2 s"
    assert fix == "look whether it hangs or still loads its model; --timeout waits longer"


def test_a_machine_that_does_not_take_connections() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        fillers = []
        for _ in range(3):  # as many as the kernel queues for it
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        seen, fix = problem_of(f"http://127.0.0.1:{full.getsockname()[1]}", timeout_s=0.2)
        for filler in fillers:
            filler.close()

    assert (seen, fix) == ("connecting takes more than 0.2 s", "look at the address and at firewalls")


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (b"", "closes the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not speak HTTP"),
        (HTTP_200 + b'Content-Length: 100\r\n\r\n{"object":', "/v1/models breaks off"),
        (HTTP_200 + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"obj\r\n', "/v1/models breaks off"),
        (b"HTTP/1.1 2", "closes the connection without an answer"),
    ],
    ids=["nothing", "ssh", "half a page", "half of a chunked page", "half a head"],
)
def test_half_answers(answer: bytes, seen: str) -> None:
    with raw(answer) as url:
        assert problem_of(url)[0] == seen


def test_a_page_without_an_end() -> None:
    with served(Recorded.vllm().having(v1__models=Canned(b"x" * (LARGEST_PAGE_BYTES + 1))).app()) as url:
        assert problem_of(url)[0] == "/v1/models does not end"


# TLS


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A certificate that nobody trusts."""
    openssl = shutil.which("openssl") or pytest.skip("there is no openssl to make a certificate with")
    pem: Path = tmp_path_factory.mktemp("tls") / "pem"
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=gpu1", "-keyout", str(pem), "-out", "-"]
    certificate = subprocess.run(made, capture_output=True, check=True).stdout
    pem.write_bytes(pem.read_bytes() + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_http_where_tls_is_spoken(tls: ssl.SSLContext) -> None:
    with served(Recorded.vllm().app(), tls) as url:
        address = url.removeprefix("https://")
        assert problem_of(f"http://{address}") == ("speaks TLS, not plain HTTP", f"write https://{address}")


def test_https_where_plain_http_is_spoken() -> None:
    with served(Recorded.vllm().app()) as url:
        address = url.removeprefix("http://")
        assert problem_of(f"https://{address}") == ("does not speak TLS", f"write http://{address}")


def test_a_certificate_that_is_not_trusted(tls: ssl.SSLContext) -> None:
    with served(Recorded.vllm().app(), tls) as url:
        seen, fix = problem_of(url)

    assert seen == "its certificate is not trusted: self-signed certificate"
    assert fix == "give it a certificate that this machine trusts, or name the CA in SSL_CERT_FILE"


# Something else answers


@pytest.mark.parametrize(
    ("page", "seen"),
    [
        (
            Canned("<html><title>Welcome to nginx!</title></html>", content_type="text/html"),
            "a web page (Welcome to nginx!), no engine",
        ),
        (Canned("<!DOCTYPE html><html>", 404, "text/html"), "a web page, no engine"),
        (Canned("not here", 404, "text/plain"), "no engine that is known (/v1/models answers 404, text/plain)"),
        (Canned('{"data": 3}'), "no engine that is known (/v1/models answers 200, application/json)"),
        (Canned("loading", 503, "text/plain"), "/v1/models answers 503"),
        (Canned("", 308, headers={"Location": "https://gpu1/v1"}), "sends its clients to https://gpu1/v1 (308)"),
    ],
    ids=["a web page", "a web page that is missing", "404", "another JSON", "503", "a redirect"],
)
def test_something_else(page: Canned, seen: str) -> None:
    with served(Recorded({"/v1/models": page}).app()) as url:
        assert problem_of(url, "kind")[0].startswith(seen)


def test_an_engine_that_answers_but_whose_metrics_hang() -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    app = Recorded({"/v1/models": Recorded.vllm().pages["/v1/models"]}).app()
    app.router.add_get("/metrics", hang)
    with served(app) as url:
        seen, _ = problem_of(url, "kind", timeout_s=0.5)

    assert seen == "takes the connection, but /metrics is not answered within 0.5 s"


def test_the_gateway_itself() -> None:
    with served(Recorded({"/metrics": text("# HELP thunderagent_turns Turns.\nthunderagent_turns_total 1\n")}).app()) as url:
        assert problem_of(url, "kind") == ("a gateway of thunderagent", "name the engines behind it")


def test_an_engine_whose_metrics_break_off_is_blind_for_what_they_tell() -> None:
    with served(Recorded.vllm().having(metrics=text('vllm:num_requests_running{engine="0"} 1.0\nvllm:num')).app()) as url:
        [checkup] = look(url, request=False)

    assert only(checkup, "metrics").seen == "/metrics breaks off"
    assert {finding.check for finding in checkup.blind} == {"metrics", "kv_capacity"}


# Several


def test_two_addresses_of_one_engine_are_noticed() -> None:
    with embedded() as url:
        first, second = look(url, url.replace("127.0.0.1", "localhost"), request=False)

    assert first.ready
    assert [finding.check for finding in second.blind] == ["same_engine"]
    assert only(second, "same_engine").seen == f"it is the engine of {url}"


def test_one_process_is_noticed_behind_two_ports_too() -> None:
    with served(Recorded.vllm().app()) as url, served(Recorded.vllm().app()) as other:
        _, second = look(url, other, request=False)

    assert only(second, "same_engine").seen == f"it is the engine of {url}"


def test_engines_that_serve_different_models_are_named() -> None:
    with embedded("small") as url, embedded("large") as other:
        first, second = look(url, other, request=False)

    assert first.ready
    assert only(second, "models").seen == f"large; {url} serves small"


def test_all_are_looked_at_at_once() -> None:
    with raw(b"", hangs=True) as url:
        checkups = asyncio.run(asyncio.wait_for(check_up([url, f"{url}/"] * 10, timeout_s=0.5), 5))

    assert len(checkups) == 20
