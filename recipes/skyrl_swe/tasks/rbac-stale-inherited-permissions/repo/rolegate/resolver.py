"""Effective rules of roles, with a cache."""

from dataclasses import dataclass

from .patterns import any_matches
from .store import RoleStore


@dataclass(frozen=True)
class Effective:
    """The rules of a role and of its ancestors together."""

    allow: frozenset[str]
    deny: frozenset[str]

    def permits(self, permission: str) -> bool:
        return any_matches(self.allow, permission) and not any_matches(self.deny, permission)


class Resolver:
    def __init__(self, store: RoleStore):
        self._store = store
        self._cache: dict[str, Effective] = {}
        self.resolved = 0
        store.listen(self._on_change)

    def effective(self, name: str) -> Effective:
        """The effective rules of a role; from the cache if they are known."""
        rules = self._cache.get(name)
        if rules is None:
            rules = self._cache[name] = self._resolve(name)
        return rules

    def _resolve(self, name: str) -> Effective:
        self.resolved += 1
        allow: set[str] = set()
        deny: set[str] = set()
        for ancestor in self._store.ancestors(name):
            role = self._store.get(ancestor)
            allow |= role.allow
            deny |= role.deny
        return Effective(frozenset(allow), frozenset(deny))

    def _on_change(self, name: str) -> None:
        """Forget what was cached for a role that has changed."""
        self._cache.pop(name, None)
