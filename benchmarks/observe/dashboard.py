"""The dashboard in a headless chromium: how often it draws many programs, and how long a frame takes it."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from benchmarks.observe.made_up import MadeUp, application
from benchmarks.report import Figure

PROGRAMS, ENGINES = 1_000, 8
FRAMES_PER_S = 5.0
"""The goal."""
WARM_S, MEASURED_S = 120.0, 20.0
"""A whole window of history, so that each row has all its bars."""


def measure(quick: bool) -> dict[str, Figure]:
    """With rows of full height, of which some tens are on the screen, and with all 1,000 at once."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        print("dashboard: no chromium (scripts/real-browser setup), left out")
        return {}
    figures: dict[str, Figure] = {}
    with _served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{url}/dashboard")
        page.wait_for_selector("[data-state=live]")
        page.locator("#gantt").scroll_into_view_if_needed()
        page.wait_for_timeout(1000 * (WARM_S / 6 if quick else WARM_S))
        for name, fit in ((f"{PROGRAMS:,} programs", False), (f"{PROGRAMS:,} programs, all at once", True)):
            page.set_checked("#fit", fit)
            figures |= _frames(page, name, MEASURED_S / 4 if quick else MEASURED_S)
        browser.close()
    return figures


def _frames(page: Any, name: str, measured_s: float) -> dict[str, Figure]:
    page.wait_for_timeout(1_000)
    page.evaluate("frames_drawn.count = frames_drawn.busy_ms = frames_drawn.longest_ms = 0")
    began_s = time.perf_counter()
    page.wait_for_timeout(1_000 * measured_s)
    count, busy_ms, longest_ms = page.evaluate("[frames_drawn.count, frames_drawn.busy_ms, frames_drawn.longest_ms]")
    took_s = time.perf_counter() - began_s
    return {
        f"dashboard, {name}": Figure(count / took_s, "frames/s", at_least=FRAMES_PER_S),
        f"dashboard, {name}, frame, mean": Figure(busy_ms / max(1, count), "ms"),
        f"dashboard, {name}, frame, longest": Figure(longest_ms, "ms"),
    }


@contextmanager
def _served() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(application(MadeUp(PROGRAMS, ENGINES)), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join()
