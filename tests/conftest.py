"""For all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.containers import containers  # noqa: F401  (a fixture)


@pytest.fixture(autouse=True)
def environ_stays_the_same_object() -> Iterator[None]:
    """Hugging Face's datasets put another one in its place when they map in several processes; rich, for one, keeps the old."""
    environ = os.environ
    yield
    os.environ = environ  # noqa: B003
