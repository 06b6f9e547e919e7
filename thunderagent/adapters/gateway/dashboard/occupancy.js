// One card per engine: what its KV cache is committed to over time, in stacked areas under the line of its capacity.

import { Canvas, axisSteps, colour, text } from "./canvas.js";
import { clock, duration, engineName, percent, short } from "./format.js";
import { firstAfter } from "./history.js";
import * as tooltip from "./tooltip.js";

const BOTTOM_PX = 18;
const TOP_PX = 16;
const BUCKET_PX = 6; // turns begin and end many times in it: their mean is drawn
const KEY_STEPS = 60; // moments that the arrow keys go through in a window

export class Occupancy {
  constructor(container, history, view) {
    Object.assign(this, { container, history, view, cards: new Map() });
  }

  update() {
    for (const [id, card] of this.cards) {
      if (!this.history.engines.has(id)) {
        card.canvas.remove();
        card.root.remove();
        this.cards.delete(id);
      }
    }
    for (const [id, engine] of this.history.engines) {
      if (!this.cards.has(id)) this.cards.set(id, this.#card(id));
      this.#words(this.cards.get(id), engine.latest);
    }
  }

  refresh() {
    for (const card of this.cards.values()) card.canvas.refresh();
  }

  redraw() {
    for (const card of this.cards.values()) card.canvas.dirty = true;
  }

  #card(id) {
    const root = document.createElement("article");
    root.className = "engine";
    const title = Object.assign(document.createElement("h3"), { textContent: engineName(id), title: id });
    const state = Object.assign(document.createElement("span"), { className: "chip" });
    const numbers = Object.assign(document.createElement("p"), { className: "numbers" });
    const element = document.createElement("canvas");
    element.tabIndex = 0;
    element.setAttribute("role", "img");
    const head = document.createElement("div");
    head.className = "head";
    head.append(title, state);
    root.append(head, numbers, element);
    this.container.append(root);
    const card = { root, state, numbers, element, cursor: null };
    card.canvas = new Canvas(element, (context, width, height) => this.#draw(card, id, context, width, height));
    element.addEventListener("pointermove", (event) => this.#point(card, id, event.offsetX, event.clientX, event.clientY));
    element.addEventListener("pointerleave", () => this.#unpoint(card));
    element.addEventListener("blur", () => this.#unpoint(card));
    element.addEventListener("keydown", (event) => this.#key(card, id, event));
    return card;
  }

  #words(card, engine) {
    const state = !engine.healthy ? "down" : engine.draining ? "draining" : engine.paused ? "stopped" : "up";
    card.state.textContent = state;
    card.state.dataset.state = state;
    const share = engine.capacity_tokens ? engine.committed_tokens / engine.capacity_tokens : null;
    const parts = [
      [percent(share), "committed"],
      [`${short(engine.committed_tokens)} / ${short(engine.capacity_tokens)}`, "tokens"],
      [short(engine.running_turns), engine.running_turns === 1 ? "running turn" : "running turns"],
      [percent(engine.kv_hit_rate), "hits"],
    ];
    if (engine.usage != null) parts.push([percent(engine.usage), "in use, it says"]);
    card.numbers.replaceChildren(
      ...parts.map(([value, name]) => {
        const part = document.createElement("span");
        part.append(Object.assign(document.createElement("b"), { textContent: value }), ` ${name}`);
        return part;
      }),
    );
    card.element.setAttribute("aria-label", `KV cache of ${engineName(engine.id)} over time, now ${parts.map((p) => p.join(" ")).join(", ")}`);
  }

  #draw(card, id, context, width, height) {
    const samples = this.history.engines.get(id)?.samples ?? [];
    const { from, to } = this.view.window();
    const shown = samples.slice(Math.max(0, firstAfter(samples, from) - 1), firstAfter(samples, to) + 1);
    const x = (at) => ((at - from) / (to - from)) * width;
    const most = shown.reduce((top, s) => Math.max(top, s.running + s.tool, s.capacity ?? 0), 1) * 1.06;
    const floor = height - BOTTOM_PX;
    const y = (tokens) => floor - (tokens / most) * (floor - TOP_PX);
    grid(context, width, height, from, to, x);
    const bucket_s = ((to - from) / width) * BUCKET_PX;
    for (const run of unbroken(shown).map((each) => means(each, bucket_s))) {
      area(context, run, x, () => floor, (s) => y(s.running), colour("running"));
      area(context, run, x, (s) => y(s.running), (s) => y(s.running + s.tool), colour("tool"));
      line(context, run.filter((s) => s.capacity != null), x, (s) => y(s.capacity));
    }
    const capacity = shown.at(-1)?.capacity;
    if (capacity != null) text(context, `${short(capacity)} tokens`, 4, y(capacity) - 8, { size: 10 });
    if (card.cursor != null) {
      context.fillStyle = colour("ink");
      context.fillRect(Math.round(card.cursor * width), TOP_PX, 1, floor - TOP_PX);
    }
  }

  #point(card, id, offset, clientX, clientY, aloud = false) {
    card.cursor = offset / card.canvas.width;
    card.canvas.dirty = true;
    const { from, to } = this.view.window();
    const at = from + card.cursor * (to - from);
    const samples = this.history.engines.get(id)?.samples ?? [];
    const sample = samples[Math.max(0, firstAfter(samples, at) - 1)];
    if (!sample || at < samples[0].at) return tooltip.hide();
    const rows = [
      ["running turns", short(sample.running), "running"],
      ["held in tool calls", short(sample.tool), "tool"],
      ["capacity", short(sample.capacity), "capacity"],
      ["committed", percent(sample.capacity ? (sample.running + sample.tool) / sample.capacity : null)],
      ["hit rate", percent(sample.hit)],
    ];
    if (sample.usage != null) rows.push(["in use, it says", percent(sample.usage)]);
    tooltip.show(`${clock(sample.at)}, ${duration(to - sample.at)} ago`, rows, clientX, clientY, aloud);
  }

  #unpoint(card) {
    card.cursor = null;
    card.canvas.dirty = true;
    tooltip.hide();
  }

  #key(card, id, event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const cursor = Math.min(1, Math.max(0, (card.cursor ?? 1) + step / KEY_STEPS));
    const box = card.element.getBoundingClientRect();
    this.#point(card, id, cursor * box.width, box.left + cursor * box.width, box.top + 20, true);
  }
}

export function grid(context, width, height, from, to, x) {
  const step = axisSteps(to - from);
  for (let ago = 0; ago < to - from; ago += step) {
    const at = Math.round(x(to - ago));
    context.fillStyle = colour("line");
    context.fillRect(Math.min(at, width - 1), 0, 1, height - BOTTOM_PX);
    const words = ago === 0 ? "now" : ago % 60 ? `−${ago} s` : `−${ago / 60} m`;
    if (at > 24) text(context, words, Math.min(at, width - 2), height - 8, { align: ago === 0 ? "right" : "center", size: 10 });
  }
  context.fillStyle = colour("line");
  context.fillRect(0, height - BOTTOM_PX, width, 1);
}

// Runs of samples between which something is known.
function unbroken(samples) {
  const runs = [[]];
  for (const sample of samples) {
    if (sample.after_gap) runs.push([]);
    runs.at(-1).push(sample);
  }
  return runs;
}

// One sample for each bucket. Buckets stand still in time, so that what was drawn does not change while it moves.
function means(run, bucket_s) {
  const buckets = Map.groupBy(run, ({ at }) => Math.floor(at / bucket_s));
  return [...buckets.values()].map((some) => {
    const mean = (name) => some.reduce((sum, sample) => sum + sample[name], 0) / some.length;
    return { at: some[0].at, running: mean("running"), tool: mean("tool"), capacity: some.at(-1).capacity };
  });
}

// What was told holds until the next sample: steps, not slopes.
function area(context, run, x, low, high, fill) {
  if (!run.length) return;
  context.beginPath();
  for (const [index, sample] of run.entries()) {
    if (index) context.lineTo(x(sample.at), high(run[index - 1]));
    context.lineTo(x(sample.at), high(sample));
  }
  for (let index = run.length - 1; index >= 0; index--) {
    context.lineTo(x(run[index].at), low(run[index]));
    if (index) context.lineTo(x(run[index].at), low(run[index - 1]));
  }
  context.closePath();
  context.fillStyle = fill;
  context.fill();
}

function line(context, run, x, y) {
  context.beginPath();
  for (const sample of run) context.lineTo(x(sample.at), y(sample));
  context.strokeStyle = colour("capacity");
  context.lineWidth = 1.5;
  context.setLineDash([5, 4]);
  context.stroke();
  context.setLineDash([]);
}
