"""What a scrape of ``GET /metrics`` costs where many programs are tracked: no program is looked at."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time

from prometheus_client.exposition import generate_latest

from benchmarks.report import Figure
from thunderagent.adapters.gateway.gateway import Gateway
from thunderagent.adapters.gateway.manage.metrics import FAMILIES
from thunderagent.adapters.gateway.manage.prometheus import registry_of
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.config import ThunderConfig
from thunderagent.core import Usage
from thunderagent.session import Session

PROGRAMS, FEW, ENGINES = 10_000, 100, 16
SCRAPES = 200


def measure(quick: bool) -> dict[str, Figure]:
    """CPU of a scrape, which holds the event loop for so long: the median of many, with many programs and with few."""
    return asyncio.run(_measured(SCRAPES // 10 if quick else SCRAPES))


async def _measured(scrapes: int) -> dict[str, Figure]:
    few_ms, _ = await _scrape_ms(FEW, scrapes)
    many_ms, size_bytes = await _scrape_ms(PROGRAMS, scrapes)
    return {
        "metrics_with_10000_programs": Figure(many_ms, "ms", at_most=10),
        "metrics_with_100_programs": Figure(few_ms, "ms"),
        "metrics_page": Figure(size_bytes / 1_000, "kB"),
        "metrics_families": Figure(len(FAMILIES), "families"),
    }


async def _scrape_ms(programs: int, scrapes: int) -> tuple[float, int]:
    """Of a page over so many programs, each after its first turn or waiting for it; and the page's size in bytes."""
    urls = [f"http://10.0.0.{number}:8000" for number in range(1, ENGINES + 1)]
    session = Session(ThunderConfig(capacity_tokens=1_000_000), urls)
    gateway = Gateway(session.runtime, session.engines, GatewaySettings(), "thunder")
    session.on_step(gateway.took_step)
    for url in urls:
        gateway.joined(url)
        session.runtime.add_backend(url, 1_000_000)
    waiting = [asyncio.create_task(_turn(session, f"run/{number}")) for number in range(programs)]
    for _ in range(3):
        await asyncio.sleep(0)
    registry = registry_of(gateway)
    assert session.runtime.snapshot()["programs"] == programs
    took_s, page = [], b""
    gc.collect()
    for _ in range(scrapes):
        began_s = time.thread_time()
        page = generate_latest(registry)
        took_s.append(time.thread_time() - began_s)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await gateway.close()
    return 1_000 * statistics.median(took_s), len(page)


async def _turn(session: Session, program_id: str) -> None:
    async with session.runtime.turn(program_id, prompt_tokens=9_000) as turn:
        turn.finish(Usage(9_000, 150, 8_000))
