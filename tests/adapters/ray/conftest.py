"""A small Ray of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

NAMESPACE = "thunderagent-tests"


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """One for all tests of the package, in this process's name."""
    import ray

    from thunderagent.adapters.ray.cluster import local_options

    ray.init(**local_options(), namespace=NAMESPACE)
    yield
    ray.shutdown()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and "local_ray" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("ray"))
            item.add_marker(pytest.mark.slow)
