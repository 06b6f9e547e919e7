"""``thunderagent serve``: what its options make of the settings; the gateway behind it has tests of its own."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.support import Command, Ran
from tests.stand_ins import Serving
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.cli.serve import serve as serve_command
from thunderagent.config import ThunderConfig
from thunderagent.errors import ConfigError

ENGINE = "http://gpu1:8000"


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Serving:
    stand_in = Serving()
    monkeypatch.setitem(sys.modules, "thunderagent.serving", SimpleNamespace(serve=stand_in.serve))  # type: ignore[arg-type]
    for name in ("THUNDERAGENT_API_KEY", "THUNDERAGENT_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)
    return stand_in


@pytest.fixture
def serve(thunderagent: Command, gateway: Serving) -> Callable[..., Ran]:
    """``thunderagent serve`` in front of one engine, with more options."""

    def with_options(*options: object) -> Ran:
        return thunderagent("serve", "--backends", ENGINE, *options)

    return with_options


def test_one_option_is_enough(serve: Callable[..., Ran], gateway: Serving) -> None:
    ran = serve()

    assert (ran.status, ran.err) == (0, "")
    assert gateway.served == [(ThunderConfig(), GatewaySettings(keep_profiles=0), [ENGINE], "auto", "warning")]


def test_the_word_serve_may_be_left_out(thunderagent: Command, gateway: Serving) -> None:
    assert thunderagent("--backends", ENGINE, "--router", "tr").status == 0
    assert gateway.served[0][0].mode == "tr"


def test_engines_come_apart_by_commas_or_one_by_one(thunderagent: Command, gateway: Serving) -> None:
    thunderagent("serve", "--backends", "http://a:1, http://b:1,", "--backends", "http://c:1")

    assert gateway.served[0][2] == ["http://a:1", "http://b:1", "http://c:1"]


def test_what_is_left_out_of_an_address_is_told(thunderagent: Command, gateway: Serving) -> None:
    ran = thunderagent("serve", "--backends", f"{ENGINE}/v1")

    assert ran.err == f"note: {ENGINE}/v1 is used as {ENGINE}: paths are the gateway's matter\n"
    assert gateway.served[0][2] == [ENGINE]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--router", "default"], {"mode": "default"}),
        (["--router", "default", "--routing", "least-loaded"], {"mode": "default", "routing": "least-loaded"}),
        (["--router", "cap", "--programs-per-engine", 4], {"mode": "cap", "programs_per_engine": 4}),
        (["--router", "tr", "--scheduler-interval", "5s"], {"mode": "tr", "tick_s": 5.0}),
        (["--router", "tr", "--acting-token-weight", 0.5], {"mode": "tr", "acting_token_weight": 0.5}),
        (["--router", "tr", "--use-acting-token-decay"], {"mode": "tr", "acting_half_life_s": 1.0}),
        (["--capacity-tokens", 100_000], {"capacity_tokens": 100_000}),
        (["--metrics-interval", "500ms"], {"engine_poll_s": 0.5}),
        (["--kv-events", "http+1000", "--kv-events-replay", "5600"], {"kv_events": "http+1000", "kv_events_replay": "5600"}),
        (["--idle-ttl", "2h"], {"idle_ttl_s": 7_200.0}),
        (["--idle-ttl", "none"], {"idle_ttl_s": None}),
    ],
    ids=str,
)
def test_options_of_scheduling_reach_the_policy(
    serve: Callable[..., Ran], gateway: Serving, options: list[Any], wanted: dict[str, Any]
) -> None:
    assert serve(*options).status == 0
    assert gateway.served[0][0] == ThunderConfig(**wanted)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--host", "::1", "--port", 0], {"host": "::1", "port": 0}),
        (["--admin-port", 8301], {"admin_port": 8301}),
        (["--max-body", "1GB"], {"max_body_bytes": 1_000_000_000}),
        (["--max-queue", 5], {"max_queue": 5}),
        (["--max-queue", "none"], {"max_queue": None}),
        (["--max-wait", "1m"], {"max_wait_s": 60.0}),
        (["--max-wait", "none"], {"max_wait_s": None}),
        (["--timeout", "10m"], {"timeout_s": 600.0}),
        (["--peer-timeout", "30s"], {"peer_timeout_s": 30.0}),
        (["--drain", 0], {"drain_s": 0.0}),
        (["--no-metrics"], {"metrics": False}),
        (["--otel"], {"otel": True}),
        (["--profile"], {"keep_profiles": GatewaySettings.keep_profiles}),
        (["--no-profile"], {"keep_profiles": 0}),
    ],
    ids=str,
)
def test_options_of_the_gateway_reach_it(
    serve: Callable[..., Ran], gateway: Serving, options: list[Any], wanted: dict[str, Any]
) -> None:
    assert serve(*options).status == 0
    assert gateway.served[0][1] == GatewaySettings(**{"keep_profiles": 0, **wanted})


@pytest.mark.parametrize("kind", ["auto", "vllm", "sglang", "skyrl"])
def test_engines_of_every_kind_are_served(serve: Callable[..., Ran], gateway: Serving, kind: str) -> None:
    serve("--backend-type", kind, "--log-level", "debug")

    assert gateway.served[0][3:] == (kind, "debug")


def test_whoever_starts_it_reads_its_address_in_a_file(serve: Callable[..., Ran], tmp_path: Path) -> None:
    serve("--port-file", tmp_path / "url")

    assert [path.name for path in tmp_path.iterdir()] == ["url"]
    assert (tmp_path / "url").read_text() == "http://127.0.0.1:8300"


def test_a_folder_for_profiles_turns_profiles_on(serve: Callable[..., Ran], gateway: Serving, tmp_path: Path) -> None:
    serve("--profile-dir", tmp_path)

    config, settings, *_ = gateway.served[0]
    assert config.profile_dir == str(tmp_path)
    assert settings.keep_profiles == GatewaySettings.keep_profiles


def test_profiles_have_bounds_on_the_disk(serve: Callable[..., Ran], gateway: Serving, tmp_path: Path) -> None:
    serve("--profile-dir", tmp_path, "--profile-max", "64MiB", "--profile-keep", "0")

    config, *_ = gateway.served[0]
    assert (config.profile_max_bytes, config.profile_keep) == (64 << 20, 0)
    assert serve("--profile-keep", "-1").problem == "--profile-keep=-1: must be a whole number, at least 0"


def test_keys_come_from_files_and_the_environment_together(
    serve: Callable[..., Ran], gateway: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").write_text("alpha\n")
    (tmp_path / "admin").write_text("root\n")
    for name in ("keys", "admin"):
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("THUNDERAGENT_API_KEY", "beta alpha")
    monkeypatch.setenv("THUNDERAGENT_ADMIN_KEY", "chief")
    ran = serve("--api-key-file", tmp_path / "keys", "--admin-key-file", tmp_path / "admin")

    settings = gateway.served[0][1]
    assert (settings.api_keys, settings.admin_keys) == (("alpha", "beta"), ("root", "chief"))
    assert ran.err == ""


def test_a_variable_of_another_name_is_read_instead(
    serve: Callable[..., Ran], gateway: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THUNDERAGENT_API_KEY", "usual")
    monkeypatch.setenv("OUR_KEY", "ours")
    serve("--api-key-env", "OUR_KEY")

    assert gateway.served[0][1].api_keys == ("ours",)


def test_a_key_on_the_command_line_is_taken_with_a_warning_that_does_not_repeat_it(
    serve: Callable[..., Ran], gateway: Serving
) -> None:
    ran = serve("--api-key", "sesame", "--host", "0.0.0.0")

    assert gateway.served[0][1].api_keys == ("sesame",)
    assert ran.err == "warning: every user of this machine can see --api-key in the list of processes; use --api-key-file\n"


@pytest.mark.parametrize(
    ("host", "warned"), [("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True), ("gpu1", True)]
)
def test_whoever_lets_everybody_in_is_told(serve: Callable[..., Ran], gateway: Serving, host: str, warned: bool) -> None:
    told = f"warning: whoever reaches {host}:8300 may use the engines; set API keys to choose who\n"

    assert serve("--host", host).err == (told if warned else "")


def test_where_there_is_no_terminal_nothing_is_printed(serve: Callable[..., Ran]) -> None:
    assert serve().out == ""


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--backends", "gpu2:8000"], "--backends=gpu2:8000: must start with http:// or https://, such as http://gpu2:8000"),
        (["--backends", ENGINE], f"--backends={ENGINE}: the same engine is there as {ENGINE} already"),
        (["--backend-type", "tgi"], "--backend-type=tgi: must be one of auto, vllm, sglang, skyrl"),
        (["--capacity-tokens", 0], "--capacity-tokens=0: must be a positive number, or null"),
        (["--capacity-tokens", "many"], "Invalid value for '--capacity-tokens': "),
        (["--metrics-interval", "often"], "--metrics-interval=often: must be a duration, such as 90 (seconds), 90s, 5m or 1h30m"),
        (["--metrics-interval", 0], "--metrics-interval=0.0: must be a positive number"),
        (["--router", "fast"], "--router=fast: must be one of default, cap, tr, thunder"),
        (
            ["--router", "default", "--routing", "random"],
            "--routing=random: must be one of sticky, least-loaded, prefix-affinity",
        ),
        (["--routing", "sticky"], "--routing=sticky: goes with --router default, not with --router thunder"),
        (["--programs-per-engine", 4], "--programs-per-engine=4: goes with --router cap, not with --router thunder"),
        (["--router", "cap", "--programs-per-engine", 0], "--programs-per-engine=0: must be a positive number"),
        (["--scheduler-interval", 5], "--scheduler-interval=5: goes with --router tr, not with --router thunder"),
        (["--router", "tr", "--scheduler-interval", 0], "--scheduler-interval=0.0: must be a positive number, or null"),
        (["--router", "tr", "--scheduler-interval", "x"], "--scheduler-interval=x: must be a duration"),
        (["--acting-token-weight", 1], "--acting-token-weight=1.0: goes with --router tr, not with --router thunder"),
        (["--router", "tr", "--acting-token-weight", 2], "--acting-token-weight=2.0: must be between 0 and 1"),
        (["--use-acting-token-decay"], "--use-acting-token-decay=True: goes with --router tr, not with --router thunder"),
        (["--idle-ttl", "never"], "--idle-ttl=never: must be a duration, such as 90 (seconds), 90s, 5m or 1h30m, or none"),
        (["--idle-ttl", 0], "--idle-ttl=0.0: must be a positive number, or null"),
        (["--host", "http://x"], "--host=http://x: must be an address or a name of this machine"),
        (["--port", 70_000], "--port=70000: must be from 0 (takes a free one) to 65535"),
        (["--port", "x"], "Invalid value for '--port': "),
        (["--admin-port", 8300], "--admin-port=8300: must be another than port, or null to share it"),
        (["--admin-port", -1], "--admin-port=-1: must be from 0 (takes a free one) to 65535"),
        (["--api-key-file", "/nowhere"], "--api-key-file=/nowhere: cannot be read: No such file or directory"),
        (["--admin-key-file", "/nowhere"], "--admin-key-file=/nowhere: cannot be read: No such file or directory"),
        (["--api-key-env", "NO_SUCH"], "--api-key-env=NO_SUCH: there is no such variable in the environment"),
        (["--api-key", "two words"], "--api-key=***: a key must be printable ASCII without blanks"),
        (["--max-body", "big"], "--max-body=big: must be a size in bytes, such as 65536, 64MiB or 2GB"),
        (["--max-body", 0], "--max-body=0: must be a positive whole number"),
        (["--max-queue", "long"], "--max-queue=long: must be a whole number, at least 0, or none"),
        (["--max-wait", 0], "--max-wait=0.0: must be a positive number, or null"),
        (["--max-wait", "x"], "--max-wait=x: must be a duration"),
        (["--timeout", "none"], "--timeout=none: must be a duration"),
        (["--timeout", 0], "--timeout=0.0: must be a positive number"),
        (["--drain", -5], "--drain=-5: must be a duration"),
        (["--port-file", "/nowhere/url"], "--port-file=/nowhere/url: its folder does not exist"),
        (["--profile-dir", "x", "--no-profile"], "--profile-dir=x: does not go with --no-profile"),
        (["--log-level", "loud"], "--log-level=loud: must be one of debug, info, warning, error"),
        (["--log-format", "xml"], "--log-format=xml: must be one of text, json"),
        (["--speed", 3], "No such option: --speed"),
        (["--port"], "Option '--port' requires an argument."),
        (["extra"], "Got unexpected extra argument"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_and_nothing_is_served(
    serve: Callable[..., Ran], gateway: Serving, options: list[Any], problem: str
) -> None:
    assert serve(*options).problem.startswith(problem)
    assert gateway.served == []


@pytest.mark.parametrize("backends", [[], ["--backends", " , "]], ids=str)
def test_without_engines_there_is_nothing_to_serve(thunderagent: Command, gateway: Serving, backends: list[str]) -> None:
    told = thunderagent("serve", "--port", 0, *backends).problem

    assert told.endswith("name the engines, such as --backends http://gpu1:8000,http://gpu2:8000")


@pytest.mark.parametrize(("key", "option"), [("port", "--port"), ("admin_port", "--admin-port"), ("engine.urls", "--backends")])
def test_what_the_gateway_cannot_do_is_told_by_the_name_of_the_option(
    serve: Callable[..., Ran], gateway: Serving, key: str, option: str
) -> None:
    gateway.fails_with = ConfigError(key, "x", "is in use")

    assert serve().problem == f"{option}=x: is in use"


def test_every_option_is_explained_in_the_docs() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    options = [f"--{name.replace('_', '-')}" for name in inspect.signature(serve_command).parameters]

    assert len(options) > 25
    assert [option for option in options if f"`{option}" not in docs] == []


def test_no_error_shows_a_key(serve: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THUNDERAGENT_API_KEY", "sesame-öffne-dich")
    ran = serve()

    assert ran.problem.startswith("environment=THUNDERAGENT_API_KEY: a key must be printable ASCII")
    assert "sesame" not in ran.err + ran.out


def test_in_the_place_of_slimes_router_engines_need_not_be_named(
    thunderagent: Command, gateway: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert thunderagent("serve", "--router-for", "slime").status == 0
    assert (gateway.served[0][1].router_for, gateway.served[0][2]) == ("slime", [])
    assert thunderagent("serve", "--router-for", "slime", "--backends", ENGINE).status == 0
    assert gateway.served[1][2] == [ENGINE]
    assert thunderagent("serve", "--router-for", "verl").problem == "--router-for=verl: must be slime, or null"
    monkeypatch.setenv("THUNDERAGENT_API_KEY", "k")
    assert "--router-for=slime: does not go with API keys" in thunderagent("serve", "--router-for", "slime").problem
