"""Keys of a configuration: of a dataclass and those in it."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterator
from dataclasses import Field, fields, is_dataclass, replace
from typing import Any, NamedTuple

from scripts.pages import docstrings
from scripts.pages.markdown import code, sentence
from thunderagent.cli.units import bytes_text
from thunderagent.errors import ConfigError

NOTHING_USABLE = math.nan
"""No key can be this: what is said against it is what is allowed."""
TYPES = {"None": "`null`", "list[str]": "list of `str`", "dict[str, Any]": "mapping"}
PAGE = re.compile(r"docs/(\w+\.md)")


class Key(NamedTuple):
    """One key, as the page has it."""

    name: str
    value: str
    """Type, and what is allowed."""
    default: str
    text: str

    @property
    def row(self) -> tuple[str, str, str, str]:
        """Of a table."""
        return code(self.name), self.value, self.default, PAGE.sub(r"[\1](\1)", self.text)


def keys_of(root: Any, *, skip: Container[str] = ()) -> Iterator[Key]:
    """Those of a configuration in the order of its fields, those of its sections after them, some sections left out."""
    yield from _keys_of(root, root, (), skip)


def key_of(section: Any, field: Field[Any], root: Any = None, path: tuple[str, ...] = ()) -> Key:
    """The key that a field is; ``root`` checks it."""
    said = docstrings.of_fields(type(section)).get(field.name)
    if said is None:
        raise SystemExit(f"error: {type(section).__qualname__}.{field.name} has no docstring ({type(section).__module__})")
    allowed = _allowed(root, (*path, field.name)) if root is not None else None
    types = [TYPES.get(kind.strip(), code(kind.strip())) for kind in str(field.type).split("|")]
    default = getattr(section, field.name)
    size = f" ({bytes_text(default)})" if field.name.endswith("_bytes") and default is not None else ""
    return Key(".".join((*path, field.name)), _value(types, allowed), code(shown(default)) + size, sentence(said))


def shown(value: object) -> str:
    """As in YAML."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) or '""'


def _keys_of(root: Any, section: Any, path: tuple[str, ...], skip: Container[str]) -> Iterator[Key]:
    sections = [field.name for field in fields(section) if is_dataclass(getattr(section, field.name))]
    for field in fields(section):
        if field.name not in sections and field.repr:  # else it is a secret
            yield key_of(section, field, root, path)
    for name in sections:
        if name not in skip:
            yield from _keys_of(root, getattr(section, name), (*path, name), skip)


def _allowed(root: Any, path: tuple[str, ...]) -> str | None:
    """What the configuration says must be there when the key has a value that cannot be; None: nothing."""
    try:
        _with(root, path, NOTHING_USABLE).validate()
    except ConfigError as error:
        if error.key.endswith(".".join(path)) and error.allowed.startswith("must "):
            return re.sub(r"^must (be |(not )be )", r"\2", error.allowed)
    except (AttributeError, TypeError):  # it is compared with what is no number
        pass
    return None


def _with(section: Any, path: tuple[str, ...], value: object) -> Any:
    name, *rest = path
    return replace(section, **{name: _with(getattr(section, name), tuple(rest), value) if rest else value})


def _value(types: list[str], allowed: str | None) -> str:
    if allowed is None:
        return " or ".join(types)
    words = re.sub(r",? or null.*", "", allowed).removeprefix("a positive whole number").removeprefix("a positive number")
    words = re.sub(r"^a (whole|finite) number, ", "", words) or "positive"
    names = re.fullmatch(r"one of ([^:]*)(:.*)?", words)
    if names is None:
        return f"{' or '.join(types)}: {words}"
    return ", ".join([*map(code, names[1].split(", ")), *(kind for kind in types if kind == "`null`")])
