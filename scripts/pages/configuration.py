"""docs/configuration.md: every key, from the dataclasses, what they say of their fields, and what they check."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from recipes.common.config import SchedulingConfig
from recipes.serve.config import ServeConfig
from recipes.serve_ray.config import ServeRayConfig
from recipes.skyrl_swe.config import RecipeConfig as SkyRLSwe
from recipes.slime_search.config import RecipeConfig as SlimeSearch
from scripts.pages.groups import groups
from scripts.pages.keys import Key, key_of, keys_of, shown
from scripts.pages.markdown import code, sentence, table
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.adapters.slime.settings import DEFAULTS, SlimeSettings
from thunderagent.config import ThunderConfig
from thunderagent.tools_config import ToolsConfig

RECIPES = {"serve": ServeConfig, "serve_ray": ServeRayConfig, "skyrl_swe": SkyRLSwe, "slime_search": SlimeSearch}
ALIKE = {"serve_ray": "serve"}
"""Recipes that have the keys of another one: only what differs is shown."""
SHARED = {
    "scheduling": ("scheduling", SchedulingConfig()),
    "tools": ("sandboxes", ToolsConfig()),
    "gateway": ("gateway", GatewaySettings()),
}
"""Sections that have a part of the page of their own: its anchor, and the defaults there."""
EVERY = "Of every policy"
POLICIES = (EVERY, "`thunder` and `tr`", "`thunder`", "`tr`", "`cap`", "`default`")
OF_POLICIES = re.compile(r"^((?:`\w+`, )*`\w+`): ")
"""How the text of a key begins that only some policies have."""


def lines() -> list[str]:
    """Groups, then sections that several hosts have, then recipes."""
    parts = (groups(list(RECIPES)), _scheduling(), _sandboxes(), _gateway(), _slime(), _recipes())
    return [line for part in parts for line in part]


def _keys(keys: Iterable[Key]) -> list[str]:
    return table(("key", "value", "default", ""), (key.row for key in keys))


def _scheduling() -> Iterator[str]:
    in_recipes = {field.name for field in fields(SchedulingConfig)}
    policies: dict[str, list[Key]] = {title: [] for title in POLICIES}
    elsewhere: list[Key] = []
    for key in keys_of(ThunderConfig()):
        named = OF_POLICIES.match(key.text)
        own = key._replace(text=sentence(key.text[named.end() :])) if named else key
        title = named[1].replace("`, `", "` and `") if named else EVERY
        (policies[title] if key.name in in_recipes else elsewhere).append(own)
    yield from ("## Scheduling", "", "`scheduling.KEY` in recipes, `thunder.KEY` under SkyRL and slime.", "")
    for title, keys in policies.items():
        yield from (f"### {title}", "", *_keys(keys))
    yield from ("### Engines, profiles, what outlives the process", "")
    yield "`thunder.KEY` under SkyRL and slime. Recipes set these themselves, or have keys of their own for them (below);"
    yield from ("`thunderagent serve` has [options](reference/cli.md#thunderagent-serve).", "", *_keys(elsewhere))


def _sandboxes() -> Iterator[str]:
    yield from (
        "## Sandboxes",
        "",
        "`tools.KEY` in recipes, `thunder.tools.KEY` under SkyRL and slime ([Tools](tools.md)).",
        "",
    )
    yield from _keys(keys_of(ToolsConfig()))


def _gateway() -> Iterator[str]:
    yield from ("## Gateway", "", "`gateway.KEY` in `recipes.serve` and `recipes.serve_ray` ([Serving](serving.md)).")
    yield from ("API keys are no settings: they come from files or the environment.", "", *_keys(keys_of(GatewaySettings())))


def _slime() -> Iterator[str]:
    others = " and ".join(f"`{key}` is `{shown(value)}`" for key, value in DEFAULTS.items())
    yield from ("## slime", "", "`thunder.KEY` in the file of `--custom-config-path`, beside those of scheduling and sandboxes.")
    yield from (f"By default {others} there ([slime](slime.md)).", "")
    settings = SlimeSettings(ThunderConfig())
    yield from _keys(key_of(settings, field) for field in fields(settings) if not is_dataclass(getattr(settings, field.name)))


def _recipes() -> Iterator[str]:
    for name, kind in RECIPES.items():
        config, like = kind(), ALIKE.get(name)
        yield from (f"## recipes.{name}", "")
        known: Container[Key] = ()
        if like is not None:
            known = set(keys_of(RECIPES[like](), skip=SHARED))
            yield from (f"The keys of [recipes.{like}](#recipes{like}); its own, and those with another default:", "")
        yield from _keys(key for key in keys_of(config, skip=SHARED) if key not in known)
        if like is None:
            sections = [f"[`{section}.*`](#{anchor})" for section, (anchor, _) in SHARED.items() if hasattr(config, section)]
            yield f"Also {', '.join(sections)}" + _other_defaults(config)
            yield ""


def _other_defaults(config: Any) -> str:
    """Where a section is not what it is elsewhere."""
    others = []
    for section, (_, usual) in SHARED.items():
        here = getattr(config, section, usual)
        for field in fields(usual):
            value = getattr(here, field.name)
            if value != getattr(usual, field.name):
                others.append(code(f"{section}.{field.name}={shown(value)}"))
    return f"; here by default {', '.join(others)}." if others else "."
