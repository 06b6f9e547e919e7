from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.cluster import Cluster
from tests.hosts.network import Network, network_or_skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real seconds pass here: in one worker, one after the other."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.hosts)
            item.add_marker(pytest.mark.xdist_group("hosts"))


@pytest.fixture
def network() -> Iterator[Network]:
    """Without hosts so far; gone at the end with all that runs there."""
    here = network_or_skip()
    try:
        yield here
    finally:
        here.end()


@pytest.fixture
def cluster(network: Network, tmp_path: Path) -> Iterator[Cluster]:
    """Nothing started yet. The test is on the clients' host."""
    clients = network.host()
    with clients.inside():
        yield Cluster(tmp_path, network, clients)
