// The page: what comes from the gateway goes into the history, and the views are drawn from it.

import { clock } from "./format.js";
import { Gantt } from "./gantt.js";
import { History } from "./history.js";
import { Live } from "./live.js";
import { Occupancy } from "./occupancy.js";
import { Table } from "./table.js";
import { Tiles } from "./tiles.js";
import { Waits } from "./waits.js";

const FRAME_MS = 100; // a window of minutes moves by less than a pixel in this
const WORDS_MS = 500; // text that changes faster cannot be read
const WINDOWS_S = [30, 60, 120, 300]; // until more was seen, no more is shown
const PROGRAMS = 1000;
const INTERVAL_S = 0.5;

const $ = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search);
const interval_s = Number(asked.get("interval_s")) || INTERVAL_S;
const query = new URLSearchParams({ programs: asked.get("programs") ?? PROGRAMS, interval_s });

const history = new History();
const view = {
  length_s: 120,
  paused_at: null,
  offset_s: null, // from this page's clock to the gateway's
  connected: false,
  now() {
    if (this.paused_at !== null) return this.paused_at;
    if (!this.connected || this.offset_s === null) return history.latest?.at ?? 0;
    return Math.max(history.latest.at, performance.now() / 1000 + this.offset_s);
  },
  window() {
    const to = this.now();
    const seen_s = to - (history.samples[0]?.at ?? to);
    const length_s = Math.min(this.length_s, WINDOWS_S.find((each) => each >= seen_s) ?? Infinity);
    return { from: to - length_s, to };
  },
};

const occupancy = new Occupancy($("engines"), history, view);
const gantt = new Gantt($("gantt"), history, view);
const tiles = new Tiles($("tiles"), history, view);
const waits = new Waits($("waits"), $("why"), history, view);
const table = new Table($("table"), $("more"), $("table-shown"));

// For measurements: frames drawn, and the time that they took.
globalThis.frames_drawn = { count: 0, busy_ms: 0, longest_ms: 0 };
let words_are_due = true;
let worded_ms = 0;

const live = new Live(query, interval_s, {
  snapshot(snapshot) {
    history.put(snapshot);
    const offset_s = snapshot.at - performance.now() / 1000;
    // The quickest message tells the clocks' difference best; what is slower by seconds is a clock that was set.
    if (view.offset_s === null || offset_s > view.offset_s || offset_s < view.offset_s - 2) view.offset_s = offset_s;
    view.connected = true;
    words_are_due = true;
    connection("live", snapshot.draining ? "draining: no new requests" : "live");
  },
  connection(state, words, since) {
    if (view.connected) history.cut();
    view.connected = false;
    connection(state, words, since);
  },
  key: askKey,
});

function connection(state, words, since) {
  $("connection").dataset.state = view.paused_at !== null && state === "live" ? "paused" : state;
  const said = view.paused_at !== null && state === "live" ? "paused" : { gone: "gateway gone", refused: "refused" }[state] ?? words;
  if ($("connection-text").textContent !== said) $("connection-text").textContent = said;
  const gone = {
    gone: `The gateway has not answered since ${clock(since ?? 0)}. Trying again…`,
    refused: `The gateway refuses: ${words}. Trying again…`,
  }[state];
  if (gone && $("banner").textContent !== gone) $("banner").textContent = gone;
  $("banner").hidden = !gone;
  document.body.classList.toggle("gone", Boolean(gone));
}

function askKey(why) {
  $("key-why").textContent = why;
  $("key-text").value = "";
  $("key").showModal();
  return new Promise((resolve) => {
    $("key-form").onsubmit = (event) => {
      event.preventDefault();
      $("key").close();
      resolve($("key-text").value.trim());
    };
  });
}
$("key").addEventListener("cancel", (event) => event.preventDefault()); // without a key there is nothing to see

// Rows and words

function matching() {
  const wanted = $("search").value.trim().toLowerCase();
  const fits = ({ id, group, tool, backend, state, status }) =>
    !wanted || [id, group, tool, backend, state, status].some((field) => String(field ?? "").toLowerCase().includes(wanted));
  const { from } = view.window();
  return [...history.programs.values()].filter((known) => (known.here || known.spans.at(-1).to >= from) && fits(known.latest));
}

const ORDERS = {
  first: (a, b) => a.first - b.first || (a.id < b.id ? -1 : 1),
  waited: (a, b) => waited(b) - waited(a) || ORDERS.first(a, b),
  tokens: (a, b) => b.latest.tokens - a.latest.tokens || ORDERS.first(a, b),
  group: (a, b) => (a.latest.group ?? "").localeCompare(b.latest.group ?? "") || ORDERS.first(a, b),
};
const waited = ({ here, latest }) => (here && latest.state === "parked" ? latest.waited_s ?? 0 : -1);

function words() {
  const { latest } = history;
  if (!latest) return;
  $("mode").textContent = latest.mode;
  $("mode").hidden = !latest.mode;
  const found = matching();
  gantt.show(found.sort(ORDERS[$("order").value]).map(({ id }) => id), $("fit").checked);
  table.update(found.filter(({ here }) => here).map((known) => known.latest));
  const { length: told } = latest.programs;
  const of_all = latest.programs_total > told ? `, of ${latest.programs_total.toLocaleString("en-US")}; what waits and runs goes first` : "";
  const shown = `${found.length.toLocaleString("en-US")} shown${of_all}`;
  if ($("shown").textContent !== shown) $("shown").textContent = shown;
  occupancy.update();
  tiles.update();
  waits.update();
  occupancy.redraw();
  $("footer").textContent = `thunderagent ${latest.version} · ${location.host} · one look each ${interval_s} s`;
  document.title = `${latest.programs_total} programs · thunderagent`;
}

function frame(now_ms) {
  requestAnimationFrame(frame);
  if (now_ms - frame.last_ms < FRAME_MS - 8) return;
  frame.last_ms = now_ms;
  const started = performance.now();
  if (words_are_due && view.paused_at === null && now_ms - worded_ms >= WORDS_MS) {
    words();
    worded_ms = now_ms;
    words_are_due = false;
  }
  if (view.connected && view.paused_at === null) gantt.redraw();
  gantt.refresh();
  occupancy.refresh();
  tiles.refresh();
  const busy_ms = performance.now() - started;
  frames_drawn.count += 1;
  frames_drawn.busy_ms += busy_ms;
  frames_drawn.longest_ms = Math.max(frames_drawn.longest_ms, busy_ms);
}
frame.last_ms = -Infinity;

// What people choose

function again() {
  words();
  gantt.redraw();
}

for (const id of ["search", "order", "fit"]) $(id).addEventListener("input", again);
$("window").addEventListener("input", () => {
  view.length_s = Number($("window").value);
  again();
});
$("pause").addEventListener("click", () => {
  view.paused_at = view.paused_at === null ? view.now() : null;
  const paused = view.paused_at !== null;
  $("pause").setAttribute("aria-pressed", String(paused));
  $("pause").textContent = paused ? "Go on" : "Pause";
  if (view.connected) connection("live", "live");
  words_are_due = true;
});

requestAnimationFrame(frame);
live.run();
