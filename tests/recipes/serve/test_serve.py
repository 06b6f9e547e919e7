"""``python -m recipes.serve``: the gateway from Hydra groups; the embedded engine lives as long as it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("hydra")
from hydra import compose, initialize_config_dir

from recipes.common.config import CONFIG_DIR
from recipes.serve import app
from recipes.serve.config import ServeConfig
from tests.stand_ins import Serving
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.errors import ConfigError
from thunderagent.tools_config import ToolsConfig

FREE = ("engine.port=0", "gateway.port=0")


@pytest.fixture(autouse=True)
def _no_keys_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("THUNDERAGENT_API_KEY", "THUNDERAGENT_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Serving:
    stand_in = Serving()
    monkeypatch.setitem(sys.modules, "thunderagent.serving", SimpleNamespace(serve=stand_in.serve))  # type: ignore[arg-type]
    return stand_in


def composed(*overrides: str) -> ServeConfig:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIG_DIR)):
        return app.from_omegaconf(compose("serve", overrides=list(overrides)))


def names(group: str) -> list[str]:
    return sorted(path.stem for path in (CONFIG_DIR / group).glob("*.yaml"))


def chat(url: str, **body: Any) -> dict[str, Any]:
    data = json.dumps({"model": "simulated", "messages": [{"role": "user", "content": "hello"}], **body}).encode()
    request = urllib.request.Request(f"{url}/v1/chat/completions", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


def test_without_overrides_the_defaults_of_the_dataclasses_hold() -> None:
    assert composed() == ServeConfig(gateway=composed().gateway)
    assert composed().settings() == GatewaySettings()


@pytest.mark.parametrize("thunder", names("thunder"))
@pytest.mark.parametrize("scheduling", names("scheduling"))
@pytest.mark.parametrize("engine", names("engine"))
def test_every_combination_of_options_composes(engine: str, scheduling: str, thunder: str) -> None:
    extra = [] if engine == "simulated" else ["engine.urls=[http://h:1]"]
    config = composed(f"engine={engine}", f"scheduling={scheduling}", f"+thunder={thunder}", *extra)

    assert config.engine.kind == engine
    mode = scheduling.removesuffix("_published") if thunder == "on" else "default"
    assert config.thunder_config(None).mode == mode


def test_keys_of_the_groups_reach_the_scheduler_and_the_gateway(tmp_path: Path) -> None:
    config = composed("+thunder=on", "scheduling=tr", "scheduling.tick_s=5", "capacity.tokens=9000", "gateway.max_queue=null")

    assert config.settings() == GatewaySettings(max_queue=None)
    scheduler = config.thunder_config(tmp_path)
    assert (scheduler.mode, scheduler.tick_s, scheduler.capacity_tokens) == ("tr", 5.0, 9_000)
    assert scheduler.profile_dir == str(tmp_path)
    assert composed("profiles=false").thunder_config(tmp_path).profile_dir is None


def test_keys_come_from_files_and_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keys").write_text("alpha\n")
    monkeypatch.setenv("THUNDERAGENT_API_KEY", "beta")
    monkeypatch.setenv("THUNDERAGENT_ADMIN_KEY", "root")
    settings = composed(f"api_key_file={tmp_path}/keys").settings()

    assert (settings.api_keys, settings.admin_keys) == (("alpha", "beta"), ("root",))


def test_embedded_engines_answer_while_the_gateway_serves_and_are_gone_after(gateway: Serving, tmp_path: Path) -> None:
    def meanwhile(urls: Sequence[str]) -> list[str]:
        return [chat(url, program_id="my-agent-1")["choices"][0]["message"]["content"] for url in urls]

    gateway.meanwhile = meanwhile
    app.serve(composed("+thunder=on", "engine.count=2", *FREE), tmp_path)

    assert gateway.seen == ["hello", "hello"]
    config, _, urls, *rest = gateway.served[0]
    assert rest == ["vllm", "warning"]
    assert config.mode == "thunder"
    for url in urls:
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(f"{url}/health", timeout=5)
    assert {path.name for path in tmp_path.iterdir()} == {"engine-0.log", "engine-1.log"}


def test_embedded_engines_are_gone_after_a_failure_too(gateway: Serving, tmp_path: Path) -> None:
    urls: list[str] = []

    def meanwhile(served: Sequence[str]) -> None:
        urls.extend(served)
        raise KeyboardInterrupt

    gateway.meanwhile = meanwhile
    with pytest.raises(KeyboardInterrupt):
        app.serve(composed(*FREE), tmp_path)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{urls[0]}/health", timeout=5)


def test_an_engine_that_cannot_start_is_told_with_its_log(gateway: Serving, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the embedded engine did not start: .*kv.* \(see .*engine-0\.log\)"):
        app.serve(composed("engine.kv_capacity_tokens=3", *FREE), tmp_path)
    assert "kv_capacity_tokens is 3" in (tmp_path / "engine-0.log").read_text()
    assert gateway.served == []


@pytest.mark.parametrize(("key", "told"), [("port", "gateway.port"), ("engine.urls", "engine.urls")])
def test_what_the_gateway_cannot_do_is_told_by_the_name_of_the_key(gateway: Serving, tmp_path: Path, key: str, told: str) -> None:
    def meanwhile(urls: Sequence[str]) -> None:
        raise ConfigError(key, "x", "is in use")

    gateway.meanwhile = meanwhile
    with pytest.raises(ConfigError, match=rf"^{told}=x: is in use$"):
        app.serve(composed(*FREE), tmp_path)


def test_served_engines_are_taken_as_they_are(gateway: Serving, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app.serve(composed("engine=sglang", "engine.urls=[http://gpu1:30000/v1,http://gpu2:30000]"), tmp_path)

    config, _, urls, engine_type, _ = gateway.served[0]
    assert urls == ["http://gpu1:30000", "http://gpu2:30000"]
    assert engine_type == "sglang"
    assert config.mode == "default"
    assert capsys.readouterr().err.startswith("note: http://gpu1:30000/v1 is used as http://gpu1:30000")


def test_the_group_of_tools_gives_programs_sandboxes(gateway: Serving, tmp_path: Path) -> None:
    served = ("engine=vllm", "engine.urls=[http://gpu1:8000]")
    app.serve(composed(*served), tmp_path)
    app.serve(composed(*served, "tools=docker", "tools.image=python:3.12", "tools.max_disk_bytes=40000000000"), tmp_path)
    app.serve(composed(*served, "tools=bubblewrap"), tmp_path)
    docker = ToolsConfig(backend="docker", image="python:3.12", max_disk_bytes=40_000_000_000)
    assert gateway.tools == [None, docker, ToolsConfig(backend="bubblewrap")]


def test_in_the_place_of_slimes_router_no_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    config = composed("engine=sglang", "gateway.router_for=slime")
    assert (config.settings().router_for, config.engine.urls) == ("slime", [])
    monkeypatch.setenv("THUNDERAGENT_API_KEY", "k")
    with pytest.raises(ConfigError, match=r"gateway\.router_for=slime: does not go with API keys"):
        config.settings()


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("engine.kind=tgi", "engine.kind=tgi: must be one of simulated, auto, vllm, sglang, skyrl"),
        ("engine=vllm", "engine.urls=[]: name at least one served engine"),
        ("engine.urls=[http://h:1]", "engine.urls=http://h:1: goes with engine=vllm or engine=sglang"),
        ("engine.count=0", "engine.count=0: must be a positive number"),
        ("engine.port=65536", "engine.port=65536: must be from 0 (takes free ones) to 65535"),
        ("engine.time_scale=0", "engine.time_scale=0.0: must be a positive number"),
        ("capacity=fixed", "capacity=fixed: say how much"),
        ("scheduling.tick_s=-1", "scheduling.tick_s=-1.0: must be a positive number, or null"),
        ("gateway.port=70000", "gateway.port=70000: must be from 0 (takes a free one) to 65535"),
        ("gateway.api_keys=[sesame]", "gateway.api_keys=***: give keys by api_key_file=FILE or in the environment"),
        ("tools.ports=9-2", "tools.ports=9-2: must be a range of ports"),
        ("tools.backend=podman", "tools.backend=podman: must be one of none, docker, bubblewrap, callable"),
        ("log_level=loud", "log_level=loud: must be one of debug, info, warning, error"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(override: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        composed(override)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("gateway.prt=1", "error: gateway.prt: there is no such key; allowed under gateway: admin_keys, admin_port"),
        ("gateway.port=x", "error: gateway.port: Value 'x' of type 'str' could not be converted to Integer"),
        ("log_level=loud", "error: log_level=loud: must be one of debug, info, warning, error"),
        ("thunder=on", "error: thunder=on: write +thunder=on"),
        ("-m", "error: -m: a gateway serves until it is stopped"),
        ("gateway.api_keys=[sesame]", "error: gateway: keys are given by api_key_file=FILE"),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_2(argument: str, problem: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "recipes.serve", f"hydra.run.dir={tmp_path}/run", argument]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(problem)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "sesame" in path.read_text()]
