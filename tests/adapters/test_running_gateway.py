"""A gateway that runs already, told over HTTP: a real one, before a simulated engine."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.running_gateway import GatewayProblem, RunningGateway, find, job_name
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway
from thunderagent.errors import ConfigError, LinkError

ENGINE = "http://127.0.0.1:9"
"""Nobody is there: the gateway knows it all the same."""


def nowhere(name: str) -> str:
    raise LinkError(f"there is no actor {name!r}")


@contextmanager
def running(**settings: object) -> Iterator[EmbeddedGateway]:
    gateway = EmbeddedGateway(ThunderConfig(), GatewaySettings(port=0, drain_s=0.0, **settings), [ENGINE])  # type: ignore[arg-type]
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.stop()


def test_it_is_found_by_its_url_or_by_a_name_in_ray() -> None:
    with running() as gateway:
        assert find("thunder.gateway", gateway.url + "/", nowhere).url == gateway.url
        assert find("thunder.gateway", "ray:x", {"x": gateway.url}.__getitem__).url == gateway.url


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (
            "10.0.0.1:8300",
            r"thunder\.gateway=10\.0\.0\.1:8300: must be the URL of a gateway, such as http://10\.0\.0\.1:8300, or ray:NAME",
        ),
        ("http://a/?b", "must be the URL of a gateway"),
        ("ray:x", r"thunder\.gateway=ray:x: there is no actor 'x'"),
    ],
)
def test_what_is_no_gateways_address_is_refused_in_words(where: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        find("thunder.gateway", where, nowhere)


def test_nobody_there_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(ConfigError, match=r"no gateway answers there \(.*refused\); start one with thunderagent serve"):
        find("thunder.gateway", url, nowhere)


def test_another_server_is_no_gateway() -> None:
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[1]")

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(ConfigError, match="something answers there that is no gateway of thunderagent"):
            find("thunder.gateway", f"http://127.0.0.1:{server.server_port}", nowhere)
        server.shutdown()


def test_weight_syncs_and_releases_arrive_in_the_order_in_which_they_were_told() -> None:
    with running() as gateway:
        there = RunningGateway(gateway.url)
        there.begin_weight_sync()
        assert gateway.call(lambda serving: serving.session.runtime.scheduler.syncing)
        told = there.release("a")
        there.end_weight_sync(kv_lost=True)
        assert told.done()
        assert not gateway.call(lambda serving: serving.session.runtime.scheduler.syncing)
        there.close()


def test_engines_that_it_knows_need_nobodys_leave() -> None:
    with running() as gateway:
        RunningGateway(gateway.url).share_engines([ENGINE + "/"])


def test_other_engines_need_an_admin_key(monkeypatch: pytest.MonkeyPatch) -> None:
    other = "http://127.0.0.1:11"
    with running(admin_keys=("secret",)) as gateway:
        with pytest.raises(GatewayProblem, match=r"GET|/workers is answered with status 401"):
            RunningGateway(gateway.url).share_engines([other])
        monkeypatch.setenv("THUNDERAGENT_ADMIN_KEY", "secret")
        find("thunder.gateway", gateway.url, nowhere).share_engines([other])
        assert {worker.url for worker in gateway.call(lambda serving: serving.gateway.workers.list())} == {ENGINE, other}
    with running() as gateway, pytest.raises(GatewayProblem, match=f"does not know the engine {other}, and does not take it in"):
        RunningGateway(gateway.url).share_engines([other])


def test_metrics_without_labels_are_numbers() -> None:
    with running() as gateway:
        told = RunningGateway(gateway.url).metrics()
        assert told["turns_total"] == 0
        assert not any("{" in name for name in told)
    assert RunningGateway(gateway.url).metrics() == {}  # it is gone


def test_jobs_without_a_name_get_one_each() -> None:
    names: list[str] = [job_name(None) for _ in range(100)]
    assert len(set(names)) == 100
    make: Callable[[str | None], str] = job_name
    assert make("mine") == "mine"
