"""jsonmend: JSON Pointer and JSON Patch."""

from .diff import make_patch
from .patch import PatchError, apply_patch
from .pointer import PointerError, parse, resolve

__all__ = ["PatchError", "PointerError", "apply_patch", "make_patch", "parse", "resolve"]
