"""The packages that exist."""
from .requirement import Requirement
from .version import Version


class PackageIndex:
    """Maps package names to versions, and versions to their dependencies."""

    def __init__(self):
        self._packages = {}

    def add(self, name, version, requires=None):
        """Add a version of a package with its dependencies as text."""
        dependencies = {
            other: Requirement(text) for other, text in (requires or {}).items()
        }
        versions = self._packages.setdefault(name, {})
        parsed = Version.parse(version)
        if parsed in versions:
            raise ValueError(f"{name} {parsed} was added before")
        versions[parsed] = dependencies

    def candidates(self, name, requirements):
        """Return the versions that meet all requirements, newest first."""
        allowed = [
            version
            for version in self._packages.get(name, {})
            if all(requirement.allows(version) for requirement in requirements)
        ]
        return sorted(allowed, reverse=True)

    def dependencies(self, name, version):
        """Return the requirements of one version by package name."""
        return self._packages[name][version]
