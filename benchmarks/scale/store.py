"""What a store costs: of the gateway's CPU at full load."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.gateway import dialect, load, paired, processes
from benchmarks.gateway.target import Target
from benchmarks.report import Figure

REQUESTS, CONNECTIONS = 1_500, 32
"""Of a round: short ones, close together."""
SPREAD = 1_500
"""Programs that take turns in the other case: each turn is one of another program, so that no two are written as one."""


def measure(quick: bool) -> dict[str, Figure]:
    """With a store over without; all threads count, the writer's too."""
    figures = {}
    with tempfile.TemporaryDirectory(prefix="store-bench-") as folder, processes.engine() as engine_url:

        @contextmanager
        def pair() -> Iterator[tuple[Target, Target]]:
            path = Path(tempfile.mkdtemp(dir=folder)) / "store.db"
            with processes.gateway(engine_url) as without, processes.gateway(engine_url, "--store", str(path)) as stored:
                yield replace(without, name="without"), replace(stored, name="with")

        for name, programs in (("", CONNECTIONS), ("_many_programs", SPREAD)):
            measured = paired.medians(list(paired.pairs(pair, partial(_load, programs=programs), quick=quick)))
            figures[f"store_share_of_gateway_cpu{name}"] = Figure(100 * (measured.ratio - 1), "%", at_most=5)
            figures[f"store_cpu_per_request{name}"] = Figure(measured.without_us * (measured.ratio - 1), "us")
            figures[f"gateway_cpu_per_request_without_store{name}"] = Figure(measured.without_us, "us")
    return figures


async def _load(target: Target, programs: int) -> load.Load:
    size_bytes = dialect.SMALL_BYTES
    return await load.closed_loop(target, body_bytes=size_bytes, connected=CONNECTIONS, total=REQUESTS, programs=programs)
