"""On the real container engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.tools.docker.lab import Lab
from tests.containers import Containers


@pytest.fixture
def lab(containers: Containers) -> Iterator[Lab]:
    made = Lab(containers)
    try:
        yield made
    finally:
        made.clear_up()
