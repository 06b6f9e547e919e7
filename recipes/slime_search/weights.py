"""What slime does to its engines between two steps, in its order; there are no weights here, but their version changes."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from typing import Any

TIMEOUT_S = 60.0
"""Engines are idle then, and answer at once."""


def update(urls: Sequence[str], version: int) -> None:
    """Pause all engines, flush their caches, give them the new version, let them go on."""
    for path, body in (
        ("/pause_generation", {}),
        ("/flush_cache", None),
        ("/update_weight_version", {"new_version": str(version)}),
        ("/continue_generation", {}),
    ):
        for url in urls:
            _call(url + path, body)


def _call(url: str, body: dict[str, Any] | None) -> None:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S):
        pass
