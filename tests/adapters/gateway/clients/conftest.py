"""One embedded engine with one gateway in front of it, for all of these tests: programs are named apart."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from tests.adapters.gateway.clients.running import Running, embedded_engine, gateway_before

# Before anything imports them: both would go online for prices.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
os.environ.setdefault("MSWEA_SILENT_STARTUP", "1")

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """An embedded engine's URL."""
    with embedded_engine() as url:
        yield url


@pytest.fixture(scope="session")
def gateway(engine: str) -> Iterator[Running]:
    """The gateway in front of it, with every default."""
    with gateway_before(engine) as running:
        yield running


@pytest.fixture
def program() -> str:
    """An id that no other test uses."""
    return f"program-{next(_numbers)}"
