"""The dashboard in a real browser, before a real gateway whose one engine tells no more than its capacity."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.browser import browsing
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.config import ThunderConfig
from thunderagent.core import FirstToken, TurnArrived, TurnEnded, Usage
from thunderagent.embedded import EmbeddedGateway
from thunderagent.serving import Serving

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.browser]
CAPACITY = b'vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="1001"} 1.0\n'
"""16,000 tokens: one block is padding."""
WITHIN_MS = 60_000
"""However busy the machine; nothing takes a second otherwise."""


class _Engine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = CAPACITY if self.path == "/metrics" else b"{}"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # a gateway that has ended
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


class World:
    """A gateway, and turns that come and end as a test says."""

    def __init__(self, engine: str, **settings: Any) -> None:
        self._engine, self._settings = engine, {"drain_s": 0, **settings}
        self._turns: dict[str, int] = {}
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = int(server.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/dashboard"
        self.start()

    def start(self) -> None:
        """Again, on the same port."""
        settings = GatewaySettings(port=self.port, **self._settings)
        self._gateway = EmbeddedGateway(ThunderConfig(engine_poll_s=0.02), settings, [self._engine], "vllm")
        self._gateway.start()
        joined = threading.Event()
        while not self.call(lambda serving: serving.session.runtime.backends):
            joined.wait(0.02)

    def stop(self) -> None:
        self._gateway.stop()

    def call(self, function: Callable[[Serving], Any]) -> Any:
        return self._gateway.call(function)

    def begins(self, program: str, tokens: int, **more: Any) -> None:
        """A turn, which runs if there is room."""
        self._turns[program] = turn = 1_000_000 + len(self._turns)
        self.call(lambda serving: serving.session.runtime.report(TurnArrived(program, turn, tokens, **more)))

    def decodes(self, program: str) -> None:
        self.call(lambda serving: serving.session.runtime.report(FirstToken(self._turns[program])))

    def ends(self, program: str, tokens: int, tool: str = "") -> None:
        """The turn; a tool call follows."""
        ended = TurnEnded(self._turns[program], Usage(tokens, 10, 0), tool=tool)
        self.call(lambda serving: serving.session.runtime.report(ended))


@contextmanager
def world(**settings: Any) -> Iterator[World]:
    engine = ThreadingHTTPServer(("127.0.0.1", 0), _Engine)
    threading.Thread(target=engine.serve_forever, daemon=True).start()
    here = World(f"http://127.0.0.1:{engine.server_port}", **settings)
    try:
        yield here
    finally:
        here.stop()
        engine.shutdown()
        engine.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as browser:
        yield browser


def _is_complaint(message: Any) -> bool:
    """Chromium tells of refused connections and problems in answers, which the page deals with, and of what tests read."""
    return message.type in ("error", "warning") and not message.text.startswith(("Failed to load resource", "Canvas2D:"))


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page; whatever its console complains about fails the test."""
    complaints: list[str] = []
    contexts = []

    def open_page(url: str, *, awaits: str = "[data-state=live]", width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WITHIN_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
        page.goto(f"{url}{'&' if '?' in url else '?'}interval_s=0.1")
        page.wait_for_selector(awaits)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def busy(here: World) -> None:
    """One runs, one decodes, one is in a tool call, and one waits for their room."""
    here.begins("run/a", 5_000, group="run")
    here.begins("run/b", 3_000)
    here.decodes("run/b")
    here.begins("run/c", 2_000)
    here.ends("run/c", 2_000, tool="pytest")
    here.begins("wait/d", 9_000)


def until(page: Any, holds: str, argument: Any = None) -> None:
    """Playwright's own way evaluates text in the page, which its Content-Security-Policy forbids."""
    for _ in range(WITHIN_MS // 20):
        if page.evaluate(holds, argument):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never: {holds}")


def has_rows(page: Any, count: int) -> None:
    """Of programs, in the table."""
    until(page, "(count) => document.querySelectorAll('#table tbody tr').length === count", count)


def rows(page: Any) -> list[str]:
    """First cells of the table."""
    return list(page.locator("#table tbody td:first-child").all_text_contents())


def test_it_shows_who_runs_who_uses_tools_and_who_waits_for_what(opened: Callable[..., Any]) -> None:
    with world() as here:
        busy(here)
        page = opened(here.url)
        has_rows(page, 4)
        table = {row.split("|")[0]: row for row in page.eval_on_selector_all(
            "#table tbody tr", "rows => rows.map(row => [...row.cells].map(cell => cell.textContent).join('|'))"
        )}  # fmt: skip
        assert table["run/a"].split("|")[1] == "running"
        assert table["run/c"].split("|")[1::4] == ["tool call", "pytest", ""]
        assert table["wait/d"].split("|")[1] == "parked"
        assert "wait/d" in page.inner_text("#why")
        assert "token" in page.inner_text("#why")
        assert "16,000" in page.inner_text("#engines") or "16.0k" in page.inner_text("#engines")
        assert page.inner_text("#tiles").split()[:2] == ["Programs", "4"]


def test_bars_have_the_colours_of_the_legend(opened: Callable[..., Any]) -> None:
    """Read back from the canvas: the rows of a program that runs, decodes, uses a tool."""
    with world() as here:
        busy(here)
        page = opened(here.url)
        has_rows(page, 4)
        for name in ("prefill", "decode", "tool", "parked"):
            until(page, _HAS_COLOUR, ["#gantt-canvas", name])
        until(page, _HAS_COLOUR, ["#engines canvas", "running"])


_HAS_COLOUR = """async ([selector, name]) => {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--" + name);
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  const canvas = document.querySelector(selector);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4) if (data[at] === r && data[at + 1] === g && data[at + 2] === b) return true;
  return false;
}"""


def test_a_key_is_asked_for_and_kept_out_of_the_address(opened: Callable[..., Any]) -> None:
    with world(admin_keys=("right-key",)) as here:
        page = opened(here.url, awaits="dialog[open]")
        assert "admin key" in page.inner_text("#key-why")
        page.keyboard.type("wrong-key")
        page.keyboard.press("Enter")
        page.wait_for_selector("#key-why:has-text('not taken')")
        page.fill("#key-text", "right-key")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-state=live]")
        assert not page.is_visible("dialog")
        assert "key" not in page.url
        page.reload()
        page.wait_for_selector("[data-state=live]")  # it is not asked for again


def test_it_says_since_when_the_gateway_is_gone_and_finds_it_again_by_itself(opened: Callable[..., Any]) -> None:
    with world() as here:
        page = opened(here.url)
        here.stop()
        page.wait_for_selector("#banner:visible")
        assert "has not answered since" in page.inner_text("#banner")
        assert page.inner_text("#connection") == "gateway gone"
        here.start()
        page.wait_for_selector("[data-state=live]")
        assert page.is_hidden("#banner")


def test_what_the_gateway_refuses_is_said_in_its_words(opened: Callable[..., Any]) -> None:
    with world() as here:
        page = opened(f"{here.url}?programs=9999999", awaits="#banner:visible")
        assert "programs must be" in page.inner_text("#banner")
        assert page.inner_text("#connection") == "refused"


def test_search_narrows_rows_and_timeline(opened: Callable[..., Any]) -> None:
    with world() as here:
        busy(here)
        page = opened(here.url)
        has_rows(page, 4)
        page.fill("#search", "PYTEST")
        has_rows(page, 1)
        assert rows(page) == ["run/c"]
        assert page.inner_text("#shown") == "1 shown"
        page.fill("#search", "nobody")
        has_rows(page, 0)


def test_the_table_is_sorted_by_keys_alone(opened: Callable[..., Any]) -> None:
    with world() as here:
        busy(here)
        page = opened(here.url)
        has_rows(page, 4)
        page.focus("th:has-text('Tokens') button")
        page.keyboard.press("Enter")
        assert page.get_attribute("th:has-text('Tokens')", "aria-sort") == "descending"
        assert page.locator("th[aria-sort]").count() == 1
        assert rows(page)[:2] == ["wait/d", "run/a"]
        page.keyboard.press("Space")
        assert page.get_attribute("th:has-text('Tokens')", "aria-sort") == "ascending"
        assert rows(page)[-1] == "wait/d"


def test_every_control_is_reached_by_tab_shows_its_focus_and_has_a_name(opened: Callable[..., Any]) -> None:
    with world() as here:
        busy(here)
        page = opened(here.url)
        has_rows(page, 4)
        seen = []
        for _ in range(40):
            page.keyboard.press("Tab")
            name, outline = page.evaluate(
                "(at => [at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent.trim() ?? at.textContent.trim(), "
                "getComputedStyle(at).outlineStyle])(document.activeElement)"
            )
            if name == "" or page.evaluate("document.activeElement === document.body"):
                break
            assert outline != "none", name
            seen.append(name)
        order = " > ".join(seen)
        for name in (
            "Skip to the programs",
            "Window",
            "Pause",
            "KV cache of",
            "Search",
            "Rows",
            "all at once",
            "Timeline",
            "Waits for",
        ):
            assert name in order
        assert order.index("Pause") < order.index("Search") < order.index("Timeline") < order.index("Waits for")


def test_arrow_keys_go_through_the_timeline_and_say_what_is_there(opened: Callable[..., Any]) -> None:
    with world() as here:
        busy(here)
        page = opened(here.url)
        has_rows(page, 4)
        page.focus("#gantt")
        page.keyboard.press("ArrowDown")
        first = page.inner_text("#said")
        page.keyboard.press("ArrowDown")
        assert page.inner_text("#said") != first
        assert "tokens" in first
        assert page.is_visible("#tooltip")
        page.keyboard.press("Escape")
        assert page.is_hidden("#tooltip")


def test_the_pointer_shows_numbers(opened: Callable[..., Any]) -> None:
    with world() as here:
        busy(here)
        page = opened(here.url)
        has_rows(page, 4)
        box = page.locator("#gantt").bounding_box()
        page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 8)
        assert "tokens" in page.inner_text("#tooltip")
        box = page.locator("#engines canvas").bounding_box()
        page.hover("#engines canvas", position={"x": box["width"] - 2, "y": 40})
        page.wait_for_selector("#tooltip:has-text('held in tool calls')")


def test_a_pause_freezes_what_is_shown_and_forgets_nothing(opened: Callable[..., Any]) -> None:
    with world() as here:
        page = opened(here.url)
        page.wait_for_selector("#tiles:has-text('nobody waits')")
        page.click("#pause")
        assert page.inner_text("#connection") == "paused"
        here.begins("late", 1_000)
        page.wait_for_timeout(700)  # real time: nothing tells that nothing happens
        assert rows(page) == []
        page.click("#pause")
        has_rows(page, 1)
        assert rows(page) == ["late"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_can_be_read_in_any_width_and_light(opened: Callable[..., Any], width: int, scheme: str) -> None:
    with world() as here:
        busy(here)
        page = opened(here.url, width=width, color_scheme=scheme)
        has_rows(page, 4)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert min(page.evaluate(_CONTRASTS)) >= 4.5  # WCAG 2.2, AA


_CONTRASTS = """() => {
  const drawn = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (name) => {
    drawn.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--" + name);
    drawn.fillRect(0, 0, 1, 1);
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = [...drawn.getImageData(0, 0, 1, 1).data].map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  return [["ink", "page"], ["ink", "panel"], ["muted", "panel"], ["muted", "page"], ["good", "good-soft"], ["bad", "bad-soft"],
          ["muted", "calm-soft"], ["good", "panel"], ["bad", "panel"], ["panel", "focus"]].map((pair) => contrast(...pair));
}"""


def test_nothing_is_asked_of_any_other_host(opened: Callable[..., Any], browser: Any) -> None:
    with world() as here:
        page = opened(here.url)
        asked = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
        assert len(asked) > 8
        assert {url.split("/")[2] for url in asked} == {f"127.0.0.1:{here.port}"}


def test_what_lies_between_two_snapshots_is_drawn_as_it_was(opened: Callable[..., Any]) -> None:
    """A state tells since when it is; after a lost connection nothing is drawn for the time between."""
    with world() as here:
        page = opened(here.url)
        spans = page.evaluate(_HISTORY)
    assert spans["began before it was seen"] == [["decode", 96, 100]]
    assert spans["changed between"] == [["decode", 96, 100.25], ["tool", 100.25, 101]]
    assert spans["after a gap"] == [["decode", 96, 100.25], ["tool", 100.25, 101], ["parked", 109, 110]]
    assert spans["waits"] == [{"at": 111, "waited_s": 1.5}]


_HISTORY = """async () => {
  const { History } = await import("/dashboard/history.js");
  const history = new History();
  const put = (at, state, status, since_s) => history.put({
    at, totals: {}, engines: [], programs_total: 1,
    programs: [{ id: "p", state, status, since_s, tokens: 1, steps: 1, tool: "", backend: null, decoding: true }],
  });
  const spans = () => history.programs.get("p").spans.map(({ kind, from, to }) => [kind, from, to]);
  const seen = {};
  put(100, "active", "reasoning", 4);
  seen["began before it was seen"] = spans();
  put(101, "active", "acting", 0.75);
  seen["changed between"] = spans();
  history.cut();
  put(110, "parked", "reasoning", 1);
  seen["after a gap"] = spans();
  put(111, "active", "reasoning", 0.5);
  seen.waits = history.waits;
  return seen;
}"""
