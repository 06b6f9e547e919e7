"""Ray itself: joined where there is one, else a small one of our own."""

from __future__ import annotations

import logging
from typing import Any

OBJECT_STORE_BYTES = 80_000_000
"""The least that Ray takes, and a little more: frames are small and travel inside the calls."""


def local_options(num_cpus: int) -> dict[str, Any]:
    """``ray.init`` for a cluster of this machine alone, as small as it gets. ``num_cpus``: how many actors' worth it has."""
    return {
        "num_cpus": num_cpus,
        "num_gpus": 0,
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE_BYTES,
        "logging_level": logging.WARNING,
        "log_to_driver": False,
        "configure_logging": True,
    }
