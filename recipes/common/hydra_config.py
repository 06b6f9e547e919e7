"""Between Hydra and a recipe's dataclasses: the switch's spelling, and what composition errors mean in one line."""

from __future__ import annotations

import re
from typing import Any, Protocol, TypeVar

from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from thunderagent.errors import ConfigError

SPELLING = re.compile(r"^(\+*)thunder=(.*)$")


def writable(kind: Any) -> Any:
    """A dataclass as a schema for Hydra, frozen ones included: overrides are values for them, not changes of them."""
    node = OmegaConf.structured(kind)
    OmegaConf.set_readonly(node, False)
    for key in node:
        if OmegaConf.is_dict(node[key]):
            OmegaConf.set_readonly(node[key], False)
    return node


class Validated(Protocol):
    """A recipe's configuration."""

    def validate(self) -> None:
        """Raises ConfigError: names the key, its value and what is allowed."""
        ...


Config = TypeVar("Config", bound=Validated)


def from_omegaconf(composed: DictConfig, kind: type[Config]) -> Config:
    """The validated configuration.

    Raises:
        ConfigError: names the key, its value and what is allowed.
    """
    config = OmegaConf.to_object(composed)
    assert isinstance(config, kind)
    config.validate()
    return config


def from_dict(values: dict[str, Any], kind: type[Config]) -> Config:
    """The configuration from its plain form (``dataclasses.asdict``)."""
    config = OmegaConf.to_object(OmegaConf.merge(writable(kind), values))
    assert isinstance(config, kind)
    return config


def check_spelling(arguments: list[str]) -> None:
    """Catch the near misses of ``+thunder=on`` before Hydra answers with something less helpful.

    Raises:
        ConfigError: says the right spelling.
    """
    for argument in arguments:
        match = SPELLING.match(argument)
        if match is None:
            continue
        plus, value = match.groups()
        choices = [choice.strip() for choice in value.split(",")]
        if plus != "+" or any(choice not in ("on", "off") for choice in choices):
            right = ",".join("off" if c.lower() in ("off", "false", "no", "0", "none", "null") else "on" for c in choices)
            raise ConfigError(f"{plus}thunder", value, f"write +thunder={right} (choices: +thunder=on, +thunder=off)")


def explain(error: Exception, schema: Any) -> str:
    """One line for an error of Hydra or OmegaConf; ``schema`` is the recipe's dataclass."""
    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={choice}: must be one of {', '.join(error.options)}"
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    key = getattr(cause, "full_key", None)
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    if (key and "is not in struct" in str(cause)) or "not in '" in lines[0]:
        return f"{key}: there is no such key{_siblings(str(key), schema)}"
    return f"{key}: {lines[0]}" if key and key not in lines[0] else lines[0]


def _siblings(key: str, schema: Any) -> str:
    node: Any = OmegaConf.structured(schema)
    parents, _, _ = key.rpartition(".")
    for part in filter(None, parents.split(".")):
        node = node.get(part) if part in node else None
        if node is None:
            return ""
    return f"; allowed{' under ' + parents if parents else ''}: {', '.join(sorted(node.keys()))}"


HYDRA_ERRORS = (HydraException, OmegaConfBaseException)
