"""Every key of the settings is checked, and complains in one line."""

from __future__ import annotations

import pickle
from dataclasses import fields
from typing import Any

import pytest

from thunderagent.config import MODES, ThunderConfig, build_limits, build_policy
from thunderagent.core import CapPolicy, DefaultPolicy, Limits, Policy, ThunderPolicy, TrPolicy
from thunderagent.errors import ConfigError


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("mode", "fast", "must be one of default, cap, tr, thunder"),
        ("capacity_tokens", 0, "must be a positive number, or null"),
        ("pause_above", -1.0, "must be a positive number"),
        ("programs_per_engine", 0, "must be a positive number"),
        ("acting_half_life_s", -2.0, "must be a positive number, or null"),
        ("idle_ttl_s", 0, "must be a positive number, or null"),
        ("max_programs", True, "must be a positive number, or null"),
        ("max_sync_s", 0, "must be a positive number, or null"),
        ("resume_below", 1.5, "must not be above thunder.pause_above=1.0"),
        ("acting_token_weight", 2.0, "must be between 0 and 1"),
        ("max_wait_s", 0, "must be a positive number, or null"),
        ("engine_poll_s", 0, "must be a positive number"),
        ("engine_poll_s", float("inf"), "must be a positive number"),
        ("engine_poll_s", float("nan"), "must be a positive number"),
        ("kv_events", 0, "must be a port (1 to 65535), or http+1000 for the engine's own port and so many more"),
        ("kv_events", True, "must be a port (1 to 65535), or http+1000 for the engine's own port and so many more"),
        ("kv_events", "http+", "must be a port (1 to 65535), or http+1000 for the engine's own port and so many more"),
        ("kv_events_replay", "65536", "must be a port (1 to 65535), or http+1000 for the engine's own port and so many more"),
        ("kv_events_replay", "http+1000", "goes with thunder.kv_events, which is not set"),
        ("routing", "random", "must be one of sticky, least-loaded, prefix-affinity"),
        ("tick_s", 0, "must be a positive number, or null"),
        ("engine_failure", "hide", "must be one of raise, end"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(key: str, value: Any, allowed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ThunderConfig(**{key: value}).validate()
    assert str(caught.value) == f"thunder.{key}={value}: {allowed}"


def test_the_mode_chooses_the_policy() -> None:
    ThunderConfig().validate()
    kinds = {mode: type(build_policy(ThunderConfig(mode=mode))) for mode in MODES}
    assert kinds == {"default": DefaultPolicy, "cap": CapPolicy, "tr": TrPolicy, "thunder": ThunderPolicy}


def test_the_defaults_of_the_settings_are_those_of_the_policies_and_limits() -> None:
    for mode, policy in (("default", DefaultPolicy()), ("cap", CapPolicy()), ("tr", TrPolicy()), ("thunder", ThunderPolicy())):
        assert settings(build_policy(ThunderConfig(mode=mode))) == settings(policy)
    assert settings(build_policy(ThunderConfig(mode="tr", published=True, resume_below=1.0))) == settings(TrPolicy.published())
    assert build_limits(ThunderConfig()) == Limits()


def test_every_setting_reaches_its_policy() -> None:
    thunder = ThunderConfig(resume_below=0.5, pause_above=0.8, hints=True, feedback=False, group_aware=True, max_wait_s=None)
    wanted = ThunderPolicy(resume_below=0.5, pause_above=0.8, hints=True, feedback=0.0, group_aware=True, max_wait_s=None)
    assert settings(build_policy(thunder)) == settings(wanted)
    tr = ThunderConfig(
        mode="tr", resume_below=0.5, pause_above=0.8, acting_token_weight=0.7, acting_half_life_s=2.0, max_wait_s=9.0
    )
    wanted_tr = TrPolicy(resume_below=0.5, pause_above=0.8, acting_token_weight=0.7, acting_half_life_s=2.0, max_wait_s=9.0)
    assert settings(build_policy(tr)) == settings(wanted_tr)
    assert settings(build_policy(ThunderConfig(mode="tr", tick_s=2.0))) == settings(TrPolicy(tick_s=2.0))
    published = build_policy(ThunderConfig(mode="tr", published=True, tick_s=2.0))
    assert published.tick_s == 2.0
    routed = build_policy(ThunderConfig(routing="prefix-affinity", mode="default"))
    assert settings(routed) == settings(DefaultPolicy("prefix-affinity"))
    assert settings(build_policy(ThunderConfig(mode="cap", programs_per_engine=3))) == settings(CapPolicy(3))
    assert build_limits(ThunderConfig(idle_ttl_s=1.0, max_programs=2, max_sync_s=None)) == Limits(1.0, 2, None)


def settings(policy: Policy) -> dict[str, Any]:
    """What a policy was made with; its statistics are its own."""
    return {f.name: getattr(policy, f.name) for f in fields(policy) if f.init and f.name != "tools"}  # type: ignore[arg-type]


@pytest.mark.parametrize("project", ["agents", "my-team/agents_2.b"])
def test_a_project_of_wandb_may_name_its_entity(project: str) -> None:
    ThunderConfig(wandb=project).validate()


@pytest.mark.parametrize("project", ["", "a b", "a/b/c", "/agents", "team/", "what?", "x" * 129, 3])
def test_a_project_that_wandb_would_refuse_is_refused_before(project: Any) -> None:
    with pytest.raises(ConfigError, match="must be PROJECT or ENTITY/PROJECT"):
        ThunderConfig(wandb=project).validate()


def test_a_mistake_that_another_process_found_is_told_the_same() -> None:
    error = pickle.loads(pickle.dumps(ConfigError("engine.port", 0, "must be one")))
    assert (str(error), error.key, error.value, error.allowed) == ("engine.port=0: must be one", "engine.port", 0, "must be one")
