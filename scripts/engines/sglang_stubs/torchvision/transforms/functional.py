"""The name that is imported."""

from __future__ import annotations

from enum import Enum


class InterpolationMode(Enum):
    """The one that is named."""

    BICUBIC = "bicubic"
