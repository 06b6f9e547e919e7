"""Where events are published."""

from __future__ import annotations

import pytest

from thunderagent.adapters.engines.kv_events import EventPorts


@pytest.mark.parametrize(
    ("port", "backend", "endpoint"),
    [
        ("5557", "http://gpu1:8000", "tcp://gpu1:5557"),
        ("5557", "http://gpu1:8000#2", "tcp://gpu1:5559"),
        ("http+1000", "http://gpu1:8001", "tcp://gpu1:9001"),
        ("http+1000", "https://gpu1#1", "tcp://gpu1:1444"),
        ("http+1000", "http://gpu1", "tcp://gpu1:1080"),
        ("5557", "http://[::1]:8000", "tcp://[::1]:5557"),
    ],
)
def test_a_port_is_on_the_host_of_the_engine(port: str, backend: str, endpoint: str) -> None:
    assert EventPorts(port).of(backend) == (endpoint, None)
    assert EventPorts("1", port).of(backend)[1] == endpoint
