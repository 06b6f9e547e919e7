"""The interface for applications."""

from collections.abc import Iterable

from .resolver import Resolver
from .store import RoleStore


class AccessControl:
    """Users with roles, and checks of their permissions."""

    def __init__(self) -> None:
        self.store = RoleStore()
        self.resolver = Resolver(self.store)
        self._users: dict[str, set[str]] = {}

    # roles

    def add_role(
        self, name: str, *, allow: Iterable[str] = (), deny: Iterable[str] = (), parents: Iterable[str] = ()
    ) -> None:
        self.store.add(name, allow, deny)
        for parent in parents:
            self.store.add_parent(name, parent)

    def remove_role(self, name: str) -> None:
        self.store.remove(name)
        for roles in self._users.values():
            roles.discard(name)

    def add_parent(self, name: str, parent: str) -> None:
        self.store.add_parent(name, parent)

    def remove_parent(self, name: str, parent: str) -> None:
        self.store.remove_parent(name, parent)

    def grant(self, name: str, permission: str) -> None:
        self.store.add_rule(name, "allow", permission)

    def revoke(self, name: str, permission: str) -> None:
        self.store.remove_rule(name, "allow", permission)

    def deny(self, name: str, permission: str) -> None:
        self.store.add_rule(name, "deny", permission)

    # users

    def assign(self, user: str, role: str) -> None:
        self.store.get(role)
        self._users.setdefault(user, set()).add(role)

    def unassign(self, user: str, role: str) -> None:
        self._users.get(user, set()).discard(role)

    def check(self, user: str, permission: str) -> bool:
        """Whether at least one role of ``user`` permits ``permission``."""
        roles = self._users.get(user, ())
        return any(self.resolver.effective(role).permits(permission) for role in roles)
