"""Ray itself: joined where there is one, else a small one of our own."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import ray

from thunderagent.errors import ConfigError

OBJECT_STORE_BYTES = 80_000_000
"""The least that Ray takes, and a little more: frames are small and travel inside the calls."""


def local_options(num_cpus: int = 1) -> dict[str, Any]:
    """``ray.init`` for a cluster of this machine alone, as small as it gets.

    ``num_cpus``: as many idle workers are started at once; what is started here asks for none.
    """
    return {
        "address": "local",
        "num_cpus": num_cpus,
        "num_gpus": 0,
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE_BYTES,
        "logging_level": logging.WARNING,
        "log_to_driver": False,
        "runtime_env": {"env_vars": {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}},
    }


def join(key: str, address: str | None) -> bool:
    """Connect this process to Ray; whether it was started for that, and ends with ``ray.shutdown``.

    Args:
        key: of the setting.
        address: of a cluster, ``auto``: the one of this machine or of ``RAY_ADDRESS``; None: one is started.

    Raises:
        ConfigError: there is no such cluster.
    """
    if address is None:
        ray.init(**local_options())
        return True
    try:
        ray.init(address=address, logging_level=logging.WARNING, log_to_driver=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        told = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConfigError(key, address, f"no Ray cluster is there ({told}); null starts one on this machine") from None
    return False
