"""For all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.containers import containers  # noqa: F401  (a fixture)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A group that pytest-xdist could not mark would be taken apart without a word: pytest 9.2 is too new for its 3.8."""
    if config.getoption("loadgroup", default=False):
        apart = [item.nodeid for item in items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
        if apart:
            raise pytest.UsageError(f"pytest-xdist has not marked the groups of {len(apart)} tests, such as {apart[0]}")


@pytest.fixture(autouse=True)
def environ_stays_the_same_object() -> Iterator[None]:
    """Hugging Face's datasets put another one in its place when they map in several processes; rich, for one, keeps the old."""
    environ = os.environ
    yield
    os.environ = environ  # noqa: B003
