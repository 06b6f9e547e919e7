"""The roles and how they are connected."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .patterns import split


class UnknownRole(KeyError):
    """There is no role with this name."""


class CyclicRoles(ValueError):
    """A role would become its own ancestor."""


class RoleInUse(ValueError):
    """The role still has children."""


@dataclass
class Role:
    name: str
    allow: set[str] = field(default_factory=set)
    deny: set[str] = field(default_factory=set)
    parents: list[str] = field(default_factory=list)


class RoleStore:
    def __init__(self) -> None:
        self._roles: dict[str, Role] = {}
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call ``listener(name)`` after each change of a role."""
        self._listeners.append(listener)

    def _changed(self, name: str) -> None:
        for listener in self._listeners:
            listener(name)

    def get(self, name: str) -> Role:
        try:
            return self._roles[name]
        except KeyError:
            raise UnknownRole(name) from None

    def children(self, name: str) -> list[str]:
        """Names of the roles that have ``name`` as a direct parent."""
        return [role.name for role in self._roles.values() if name in role.parents]

    def ancestors(self, name: str) -> list[str]:
        """``name`` and all roles that it inherits from, each once, nearest first."""
        found = {name: None}
        queue = [name]
        for current in queue:
            for parent in self.get(current).parents:
                if parent not in found:
                    found[parent] = None
                    queue.append(parent)
        return list(found)

    def add(self, name: str, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> None:
        if name in self._roles:
            raise ValueError(f"role {name!r} exists already")
        self._roles[name] = Role(name)
        for permission in allow:
            self.add_rule(name, "allow", permission)
        for permission in deny:
            self.add_rule(name, "deny", permission)

    def remove(self, name: str) -> None:
        self.get(name)
        if self.children(name):
            raise RoleInUse(f"{name!r} is a parent of {', '.join(self.children(name))}")
        del self._roles[name]
        self._changed(name)

    def add_rule(self, name: str, kind: str, permission: str) -> None:
        split(permission)
        getattr(self.get(name), kind).add(permission)
        self._changed(name)

    def remove_rule(self, name: str, kind: str, permission: str) -> None:
        getattr(self.get(name), kind).discard(permission)
        self._changed(name)

    def add_parent(self, name: str, parent: str) -> None:
        role = self.get(name)
        if name in self.ancestors(parent):
            raise CyclicRoles(f"{parent!r} inherits from {name!r}")
        if parent not in role.parents:
            role.parents.append(parent)
            self._changed(name)

    def remove_parent(self, name: str, parent: str) -> None:
        self.get(name).parents.remove(parent)
        self._changed(name)
