"""Choose package versions that meet all requirements."""
from .index import PackageIndex
from .requirement import Requirement
from .resolver import ResolutionError, available_update, resolve
from .version import InvalidVersion, Version

__all__ = [
    "InvalidVersion", "PackageIndex", "Requirement", "ResolutionError",
    "Version", "available_update", "resolve",
]
