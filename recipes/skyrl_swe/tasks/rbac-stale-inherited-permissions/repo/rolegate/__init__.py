"""Role based access control with inheritance."""

from .access import AccessControl
from .resolver import Resolver
from .store import CyclicRoles, RoleInUse, RoleStore, UnknownRole

__all__ = ["AccessControl", "CyclicRoles", "Resolver", "RoleInUse", "RoleStore", "UnknownRole"]
