"""Every key of the settings is checked, and complains in one line."""

from __future__ import annotations

from typing import Any

import pytest

from thunderagent.config import ThunderConfig, build_policy
from thunderagent.core import DefaultPolicy, TrPolicy
from thunderagent.errors import ConfigError


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("mode", "fast", "must be one of default, tr"),
        ("capacity_tokens", 0, "must be a positive number, or null"),
        ("pause_above", -1.0, "must be a positive number"),
        ("resume_below", 1.5, "must not be above thunder.pause_above=1.0"),
        ("acting_token_weight", 2.0, "must be between 0 and 1"),
        ("max_wait_s", 0, "must be a positive number, or null"),
        ("engine_poll_s", 0, "must be a positive number"),
        ("engine_failure", "hide", "must be one of raise, end"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(key: str, value: Any, allowed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ThunderConfig(**{key: value}).validate()
    assert str(caught.value) == f"thunder.{key}={value}: {allowed}"


def test_the_mode_chooses_the_policy_and_hands_it_the_thresholds() -> None:
    ThunderConfig().validate()
    assert isinstance(build_policy(ThunderConfig(mode="default")), DefaultPolicy)
    assert build_policy(ThunderConfig(resume_below=0.5, max_wait_s=None)) == TrPolicy(resume_below=0.5, max_wait_s=None)
