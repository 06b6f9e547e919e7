"""Every setting of the gateway is checked, and complains in one line."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.errors import ConfigError

WHOLE = "must be a whole number, at least 0"
ADDRESS = "must be an address or a name of this machine, such as 127.0.0.1 or 0.0.0.0"


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("host", "", ADDRESS),
        ("host", "http://127.0.0.1", ADDRESS),
        ("port", 65_536, "must be from 0 (takes a free one) to 65535"),
        ("port", -1, "must be from 0 (takes a free one) to 65535"),
        ("port", True, "must be from 0 (takes a free one) to 65535"),
        ("admin_port", 70_000, "must be from 0 (takes a free one) to 65535"),
        ("admin_port", 8300, "must be another than gateway.port, or null to share it"),
        ("router_for", "skyrl", "must be slime, or null"),
        ("max_body_bytes", 0, "must be a positive whole number"),
        ("max_body_bytes", 1.5, "must be a positive whole number"),
        ("max_head_bytes", 0, "must be a positive whole number"),
        ("head_timeout_s", 0, "must be a positive number"),
        ("body_timeout_s", 0, "must be a positive number"),
        ("max_queue", -1, f"{WHOLE}, or null"),
        ("max_wait_s", 0, "must be a positive number, or null"),
        ("timeout_s", float("inf"), "must be a positive number"),
        ("first_byte_timeout_s", 0, "must be a positive number, or null"),
        ("connect_timeout_s", -1, "must be a positive number"),
        ("peer_timeout_s", 0, "must be a positive number"),
        ("drain_s", -1, "must be a finite number, at least 0"),
        ("keep_alive_s", 0, "must be a positive number"),
        ("attempts", 0, "must be a positive whole number"),
        ("retry_share", 1.5, "must be between 0 and 1"),
        ("breaker_failures", 0, "must be a positive whole number"),
        ("breaker_open_s", 0, "must be a positive number"),
        ("keep_profiles", -1, WHOLE),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(key: str, value: Any, allowed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        GatewaySettings(**{key: value}).validate()
    assert str(caught.value) == f"gateway.{key}={value}: {allowed}"


def test_the_defaults_are_usable_and_so_are_the_limits_of_what_is_allowed() -> None:
    GatewaySettings().validate()
    GatewaySettings(port=0, admin_port=0, max_queue=0, max_wait_s=None, drain_s=0, keep_profiles=0, retry_share=0).validate()
    GatewaySettings(max_queue=None, attempts=1, retry_share=1, host="::1").validate()


def test_by_default_only_this_machine_is_let_in() -> None:
    assert GatewaySettings().host == "127.0.0.1"


def test_the_prefix_of_the_key_is_the_hosts_choice() -> None:
    with pytest.raises(ConfigError, match=r"^attempts=0: "):
        GatewaySettings(attempts=0).validate(prefix="")


def test_every_number_has_a_check() -> None:
    unchecked = {"api_keys", "admin_keys", "metrics", "otel"}
    for field in fields(GatewaySettings):
        if field.name not in unchecked:
            with pytest.raises(ConfigError):
                GatewaySettings(**{field.name: "nonsense / value"}).validate()


def test_keys_do_not_go_with_a_client_that_sends_none() -> None:
    with pytest.raises(ConfigError, match="router_for=slime: does not go with API keys: slime sends none"):
        GatewaySettings(router_for="slime", api_keys=("k",)).validate()
    GatewaySettings(router_for="slime", admin_keys=("k",)).validate()
