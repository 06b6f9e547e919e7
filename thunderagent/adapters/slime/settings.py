"""The section ``thunder:`` of slime's custom configuration file, checked: slime itself takes any key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from thunderagent.adapters.slime.functions import FULLY_ASYNC, GENERATE, OURS, ROLLOUT
from thunderagent.config import SKYRL_ORDER, ThunderConfig
from thunderagent.errors import ConfigError

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
    inner_generate: str = GENERATE
    """The user's own generate function, as for ``--custom-generate-function-path``; it stays as it is."""
    inner_rollout: str = ROLLOUT
    """The rollout function that ``generate_rollout`` calls."""
    inner_eval: str = ROLLOUT
    """The same for evaluation; left out: ``inner_rollout``, unless that is slime's fully-async one, which evaluates nothing."""


INNER = tuple(field.name for field in fields(SlimeSettings) if field.name != "config")
KEYS = (*INNER, *(field.name for field in fields(ThunderConfig)))


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
    for key in section:
        if key not in KEYS:
            raise ConfigError(f"{PREFIX}{key}", section[key], _advice(str(key)))
    inner = {key: section[key] for key in INNER if section.get(key) is not None}
    for key, path in inner.items():
        if not isinstance(path, str) or "." not in path.strip("."):
            raise ConfigError(PREFIX + key, path, "must be the path of a function, such as my_package.my_module.generate")
        if path in OURS:
            raise ConfigError(PREFIX + key, path, "must be your own function, or slime's: this one is what calls it")
    inner.setdefault("inner_eval", ROLLOUT if inner.get("inner_rollout") == FULLY_ASYNC else inner.get("inner_rollout", ROLLOUT))
    config = ThunderConfig(**DEFAULTS | {key: value for key, value in section.items() if key not in INNER})
    config.validate(PREFIX)
    return SlimeSettings(config, **inner)


def _advice(key: str) -> str:
    nearest = get_close_matches(key, KEYS, n=1)
    return (
        f"there is no such key; did you mean {nearest[0]}?" if nearest else f"there is no such key; there are {', '.join(KEYS)}"
    )


def _refuse_misspelt(args: object) -> None:
    """slime makes an attribute of every top-level key, so that one that was misspelt would be ignored."""
    given = vars(args) if hasattr(args, "__dict__") else {}
    for key in get_close_matches(SECTION, given.keys() - {SECTION}, n=1, cutoff=0.8):
        raise ConfigError(key, given[key], f"there is no such section; did you mean {SECTION}?")
    for key in INNER:
        if key in given:
            raise ConfigError(key, given[key], f"belongs into the section {SECTION}: {{{key}: ...}}")
