"""The section ``thunder:`` of slime's custom configuration file, checked: slime itself takes any key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from thunderagent.adapters.slime.functions import FULLY_ASYNC, GENERATE, OURS, ROLLOUT
from thunderagent.config import SKYRL_ORDER, ThunderConfig
from thunderagent.errors import ConfigError
from thunderagent.tools_config import ToolsConfig

SECTION = "thunder"
PREFIX = SECTION + "."
DEFAULTS: dict[str, Any] = {"order": SKYRL_ORDER, "engine_failure": "end"}
"""Where they are others than the scheduler's: a step is over when its last program is, and otherwise an engine that stays dead
ends the training."""


@dataclass(frozen=True)
class SlimeSettings:
    """What the section says."""

    config: ThunderConfig
    """All of its keys are keys of the section, too."""
    tools: ToolsConfig = field(default_factory=ToolsConfig)
    """Sandboxes for generate functions (``thunderagent.adapters.slime.program``)."""
    inner_generate: str = GENERATE
    """The user's own generate function, as for ``--custom-generate-function-path``; it stays as it is."""
    inner_rollout: str = ROLLOUT
    """The rollout function that ``generate_rollout`` calls."""
    inner_eval: str = ROLLOUT
    """The function that ``generate_rollout`` calls for evaluation; left out: ``inner_rollout``, unless that is slime's
    fully-async one, which evaluates nothing."""
    gateway: str | None = None
    """A gateway that runs already, which several jobs share: ``http://HOST:PORT``, or ``ray:NAME`` in the job's Ray cluster;
    null: one is started for this job."""
    job: str | None = None
    """How the ids of this job's programs begin at a shared ``gateway``; null: with a random word."""


TOOLS = "tools"
SHARED = ("gateway", "job")
INNER = tuple(field.name for field in fields(SlimeSettings) if field.name not in ("config", TOOLS, *SHARED))
TOOL_KEYS = tuple(field.name for field in fields(ToolsConfig))
KEYS = (*INNER, TOOLS, *SHARED, *(field.name for field in fields(ThunderConfig)))


def settings_of(args: object) -> SlimeSettings:
    """The settings in slime's arguments; without a section, the defaults.

    Raises:
        ConfigError: a key is not known, or its value not usable.
    """
    section = getattr(args, SECTION, None)
    if section is None:
        _refuse_misspelt(args)
        section = {}
    if not isinstance(section, Mapping):
        raise ConfigError(SECTION, section, f"must be a mapping, such as {SECTION}: {{mode: thunder}}")
    _refuse_unknown(section, KEYS, PREFIX)
    inner = {key: section[key] for key in INNER if section.get(key) is not None}
    for key, path in inner.items():
        if not isinstance(path, str) or "." not in path.strip("."):
            raise ConfigError(PREFIX + key, path, "must be the path of a function, such as my_package.my_module.generate")
        if path in OURS:
            raise ConfigError(PREFIX + key, path, "must be your own function, or slime's: this one is what calls it")
    inner.setdefault("inner_eval", ROLLOUT if inner.get("inner_rollout") == FULLY_ASYNC else inner.get("inner_rollout", ROLLOUT))
    shared = {key: section[key] for key in SHARED if section.get(key) is not None}
    for key, value in shared.items():
        if not isinstance(value, str):
            raise ConfigError(PREFIX + key, value, "must be text")
    config = ThunderConfig(**DEFAULTS | {key: value for key, value in section.items() if key not in (*INNER, TOOLS, *SHARED)})
    config.validate(PREFIX)
    tools = _tools_of(section.get(TOOLS))
    if "gateway" in shared and tools.backend != "none":
        raise ConfigError(f"{PREFIX}{TOOLS}.backend", tools.backend, f"must be none: sandboxes are those of {PREFIX}gateway")
    return SlimeSettings(config, tools, **inner, **shared)


def _tools_of(section: object) -> ToolsConfig:
    prefix = f"{PREFIX}{TOOLS}."
    if section is None:
        return ToolsConfig()
    if not isinstance(section, Mapping):
        raise ConfigError(PREFIX + TOOLS, section, "must be a mapping, such as tools: {backend: docker}")
    _refuse_unknown(section, TOOL_KEYS, prefix)
    tools = ToolsConfig(**section)
    tools.validate(prefix)
    return tools


def _refuse_unknown(section: Mapping[Any, Any], keys: tuple[str, ...], prefix: str) -> None:
    for key in section:
        if key not in keys:
            nearest = get_close_matches(str(key), keys, n=1)
            advice = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(keys)}"
            raise ConfigError(f"{prefix}{key}", section[key], f"there is no such key; {advice}")


def _refuse_misspelt(args: object) -> None:
    """slime makes an attribute of every top-level key, so that one that was misspelt would be ignored."""
    given = vars(args) if hasattr(args, "__dict__") else {}
    for key in get_close_matches(SECTION, given.keys() - {SECTION}, n=1, cutoff=0.8):
        raise ConfigError(key, given[key], f"there is no such section; did you mean {SECTION}?")
    for key in INNER:
        if key in given:
            raise ConfigError(key, given[key], f"belongs into the section {SECTION}: {{{key}: ...}}")
