// The totals: a number each, and how it came to be that.

import { Canvas, colour } from "./canvas.js";
import { duration, percent, short, whole } from "./format.js";
import { firstAfter } from "./history.js";

const RATE_S = 15; // over which a throughput is told: steps take seconds
const PARTS = [
  ["decode_s", "decode", "decode"],
  ["prefill_s", "prefill", "prefill"],
  ["tool_call_s", "tool calls", "tool"],
  ["queue_s", "engine's queue", "queue"],
  ["paused_s", "held back", "parked"],
];

export class Tiles {
  constructor(container, history, view) {
    Object.assign(this, { container, history, view });
    this.programs = this.#tile("Programs");
    this.steps = this.#tile("Steps per minute", "decode");
    this.hits = this.#tile("KV hit rate", "tool");
    this.committed = this.#tile("KV committed", "running");
    this.waiting = this.#tile("Turns that wait", "parked");
    this.time = this.#tile("Where time goes");
  }

  update() {
    const { latest, samples } = this.history;
    const { totals, programs } = latest;
    const counts = { running: 0, tool: 0, paused: 0, parked: 0 };
    for (const { state, status } of programs) counts[state === "active" ? (status === "acting" ? "tool" : "running") : state] += 1;
    say(this.programs, whole(latest.programs_total), `${counts.running} run, ${counts.tool} in tools, ${counts.parked} parked, ${counts.paused} paused`);
    bar(this.programs, [
      ["decode", counts.running], ["tool", counts.tool], ["parked", counts.parked], ["paused", counts.paused],
    ]);
    const rates = rolling(samples, "steps");
    const failed = totals.failed_steps ? `, ${whole(totals.failed_steps)} failed` : "";
    const generated = short(Math.round(this.history.rate("completion_tokens", RATE_S)));
    say(this.steps, short(Math.round(rates.at(-1)?.value ?? 0)), `${generated} tokens/s; ${whole(totals.steps)} steps in all${failed}`);
    this.#spark(this.steps, rates);
    const hits = rolling(samples, "cached_tokens", "prompt_tokens");
    const now = hits.at(-1)?.value ?? totals.kv_hit_rate;
    say(this.hits, percent(now), `${percent(totals.kv_hit_rate)} in all; ${short(totals.reprefilled_tokens)} tokens recomputed`);
    this.#spark(this.hits, hits, 1);
    say(this.committed, percent(totals.kv_committed_mean), `worst engine ${percent(totals.kv_committed_max)}`);
    this.#spark(this.committed, samples.map((s) => ({ at: s.at, value: s.totals.kv_committed_mean })), 1);
    const longest = programs.reduce((most, p) => Math.max(most, p.state === "parked" ? p.waited_s ?? 0 : 0), 0);
    say(this.waiting, whole(totals.waiting_turns), longest ? `the longest for ${duration(longest)}` : "nobody waits");
    this.#spark(this.waiting, samples.map((s) => ({ at: s.at, value: s.totals.waiting_turns })));
    this.#time();
  }

  refresh() {
    for (const tile of [this.steps, this.hits, this.committed, this.waiting]) tile.canvas.refresh();
  }

  #time() {
    const { from, to } = this.view.window();
    const parts = PARTS.map(([name, words, key]) => [key, this.history.growth(name, to - from), words]);
    const all = parts.reduce((sum, [, seconds]) => sum + seconds, 0);
    const most = parts.reduce((first, part) => (part[1] > first[1] ? part : first));
    const others = parts.filter((part) => part !== most && part[1] > 0.005 * all).sort((a, b) => b[1] - a[1]).slice(0, 2);
    const shares = others.map(([, seconds, words]) => `${words} ${percent(seconds / all)}`);
    say(this.time, all ? percent(most[1] / all) : "–", all ? [most[2], ...shares].join(", ") : "no step has ended yet");
    bar(this.time, parts);
  }

  #spark(tile, points, top = 0) {
    tile.points = points;
    tile.top = top;
    tile.canvas.dirty = true;
  }

  #tile(name, key) {
    const root = document.createElement("article");
    root.className = "tile";
    const title = Object.assign(document.createElement("h2"), { textContent: name });
    const number = Object.assign(document.createElement("p"), { className: "number", textContent: "–" });
    const more = Object.assign(document.createElement("p"), { className: "muted", textContent: "\u00a0" });
    const tile = { root, number, more, points: [], top: 0, key };
    tile.picture = document.createElement(key ? "canvas" : "div");
    tile.picture.className = key ? "spark" : "bar";
    tile.picture.setAttribute("aria-hidden", "true");
    root.append(title, number, tile.picture, more);
    this.container.append(root);
    if (key) tile.canvas = new Canvas(tile.picture, (context, width, height) => this.#draw(tile, context, width, height));
    return tile;
  }

  #draw(tile, context, width, height) {
    const { from, to } = this.view.window();
    const points = tile.points.slice(Math.max(0, firstAfter(tile.points, from) - 1));
    const top = Math.max(tile.top, ...points.map((p) => p.value)) || 1;
    const x = (at) => Math.max(0, ((at - from) / (to - from)) * width);
    const y = (value) => height - 2 - (value / top) * (height - 4);
    context.strokeStyle = colour("line");
    context.lineWidth = 1;
    context.strokeRect(-1, height - 0.5, width + 2, 1);
    if (points.length < 2) return;
    context.beginPath();
    for (const { at, value } of points) context.lineTo(x(at), y(value));
    context.strokeStyle = colour(tile.key);
    context.lineWidth = 1.75;
    context.lineJoin = "round";
    context.stroke();
    context.lineTo(x(points.at(-1).at), height);
    context.lineTo(x(points[0].at), height);
    context.globalAlpha = 0.16;
    context.fillStyle = colour(tile.key);
    context.fill();
    context.globalAlpha = 1;
  }
}

function say(tile, number, more) {
  tile.number.textContent = number;
  tile.more.textContent = more;
}

function bar(tile, parts) {
  const all = parts.reduce((sum, [, size]) => sum + size, 0) || 1;
  while (tile.picture.children.length < parts.length) tile.picture.append(document.createElement("i"));
  for (const [index, [key, size]] of parts.entries()) {
    const part = tile.picture.children[index];
    part.className = key;
    part.style.width = `${(100 * size) / all}%`;
  }
}

// Growth per minute, or per growth of another total, over the last seconds before each sample.
function rolling(samples, name, other) {
  const rates = [];
  let first = 0;
  for (const [index, sample] of samples.entries()) {
    if (sample.after_gap) first = index;
    while (sample.at - samples[first].at > RATE_S) first++;
    const grown = (total) => Math.max(0, sample.totals[total] - samples[first].totals[total]);
    const per = other ? grown(other) : (sample.at - samples[first].at) / 60;
    if (per > 0) rates.push({ at: sample.at, value: grown(name) / per });
  }
  return rates;
}
