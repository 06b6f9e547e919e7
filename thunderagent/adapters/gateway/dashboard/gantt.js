// Programs over time: a row for each, a bar for each state. Only the rows on the screen are drawn.

import { Canvas, axisSteps, colour, hatch, text } from "./canvas.js";
import { clock, duration, engineName, short } from "./format.js";
import * as tooltip from "./tooltip.js";

const ROW_PX = 20;
const AXIS_PX = 22;
const LEAST_PX = 180; // high
const MOST_OF_SCREEN = 0.62;
const LABELS_FROM_PX = 12; // names do not fit into lower rows
const KEY_STEPS = 60;
const HEIGHTS = { decode: 0.78, prefill: 0.78, tool: 0.5, parked: 0.36, paused: 0.14 }; // of the row: shapes tell what colours tell
const NAMES = { decode: "decode", prefill: "prefill, or not streamed", tool: "tool call", parked: "parked", paused: "paused" };

export class Gantt {
  constructor(container, history, view) {
    Object.assign(this, { container, history, view, rows: [], cursor: null, fit: false });
    this.spacer = container.querySelector("div");
    this.canvas = new Canvas(container.querySelector("canvas"), (...drawn) => this.#draw(...drawn));
    container.addEventListener("scroll", () => (this.canvas.dirty = true), { passive: true });
    this.canvas.element.addEventListener("pointermove", (event) => this.#point(event));
    this.canvas.element.addEventListener("pointerleave", () => this.#unpoint());
    container.addEventListener("blur", () => this.#unpoint());
    container.addEventListener("keydown", (event) => this.#key(event));
  }

  // Which programs, in which order: ids.
  show(rows, fit) {
    this.rows = rows;
    this.fit = fit;
    this.canvas.dirty = true;
    const most = Math.max(LEAST_PX, MOST_OF_SCREEN * Math.min(innerHeight, 1000));
    const tall = Math.round(Math.min(most, Math.max(LEAST_PX, rows.length * ROW_PX + AXIS_PX + 1)));
    if (tall !== this.tall) this.container.style.setProperty("--gantt-height", `${(this.tall = tall)}px`);
    this.row_px = fit ? Math.min(ROW_PX, (tall - AXIS_PX - 1) / Math.max(1, rows.length)) : ROW_PX;
    const height = `${Math.ceil(rows.length * this.row_px) + AXIS_PX}px`;
    if (this.spacer.style.height !== height) this.spacer.style.height = fit ? "0px" : height;
  }

  redraw() {
    this.canvas.dirty = true;
  }

  refresh() {
    return this.canvas.refresh();
  }

  // Of a row; during a long pause it may have been forgotten.
  #program(row) {
    return this.history.programs.get(this.rows[row]) ?? { spans: [], here: false };
  }

  #left(width) {
    return this.row_px < LABELS_FROM_PX ? 0 : Math.min(190, width * 0.24);
  }

  #draw(context, width, height) {
    const { from, to } = this.view.window();
    const left = this.#left(width);
    const scale = (width - left) / (to - from);
    const floor = height - AXIS_PX;
    const scrolled = this.fit ? 0 : this.container.scrollTop;
    const first = Math.floor(scrolled / this.row_px);
    const last = Math.min(this.rows.length, Math.ceil((scrolled + floor) / this.row_px));
    this.#axis(context, width, height, left, from, to, scale);
    context.save();
    context.beginPath();
    context.rect(0, 0, width, floor);
    context.clip();
    this.#bars(context, first, last, scrolled, left, from, to, scale);
    if (left) this.#labels(context, first, last, scrolled, left);
    context.restore();
    if (this.cursor) this.#crosshair(context, width, floor, left, scrolled);
    if (!this.rows.length) {
      text(context, this.history.latest ? "No program is here." : "Nothing is known yet.", width / 2, floor / 2, { align: "center", size: 13 });
    }
  }

  #axis(context, width, height, left, from, to, scale) {
    const step = axisSteps(to - from);
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      const x = Math.round(left + (at - from) * scale);
      context.fillStyle = colour("line");
      context.fillRect(x, 0, 1, height - AXIS_PX);
      if (x > left + 20 && x < width - 20) text(context, clock(at), x, height - 10, { align: "center", size: 10 });
    }
    context.fillStyle = colour("line");
    context.fillRect(left, height - AXIS_PX, width - left, 1);
  }

  // All bars of one colour together; of many within one pixel, one.
  #bars(context, first, last, scrolled, left, from, to, scale) {
    const bars = { paused: [], tool: [], prefill: [], decode: [], parked: [] };
    const latest = this.history.latest?.at;
    for (let index = first; index < last; index++) {
      const { spans, here } = this.#program(index);
      const top = index * this.row_px - scrolled;
      let drawn = -Infinity;
      for (let at = spans.length - 1; at >= 0; at--) {
        const span = spans[at];
        if (span.to < from) break;
        const ends = here && at === spans.length - 1 && span.to === latest ? to : Math.min(span.to, to); // it goes on until it is told otherwise
        const x = left + Math.max(0, span.from - from) * scale;
        const width = Math.max(1, left + (ends - from) * scale - x);
        if (span.from > to || (width <= 1 && Math.abs(x - drawn) < 1)) continue;
        drawn = x;
        bars[span.kind].push(x, top, width);
      }
    }
    for (const [kind, all] of Object.entries(bars)) {
      const height = Math.max(1, this.row_px * (this.row_px < 6 ? 1 : HEIGHTS[kind]));
      const down = (this.row_px - height) / 2;
      context.fillStyle = kind === "parked" && this.row_px > 8 ? hatch(context, kind) : colour(kind);
      const apart = this.row_px > 8 ? 0.5 : 0;
      for (let at = 0; at < all.length; at += 3) {
        context.fillRect(all[at], all[at + 1] + down, Math.max(0.5, all[at + 2] - apart), height);
      }
    }
  }

  #labels(context, first, last, scrolled, left) {
    for (let index = first; index < last; index++) {
      const id = this.rows[index];
      const { here } = this.#program(index);
      const middle = (index + 0.5) * this.row_px - scrolled;
      text(context, fitted(context, id, left - 14), 8, middle, { ink: here ? "ink" : "muted", size: 11 });
    }
  }

  #crosshair(context, width, floor, left, scrolled) {
    const x = left + this.cursor.share * (width - left);
    const top = this.cursor.row * this.row_px - scrolled;
    context.fillStyle = colour("hover");
    context.fillRect(0, top, width, Math.max(2, this.row_px));
    context.fillStyle = colour("ink");
    context.fillRect(Math.round(x), 0, 1, floor);
  }

  #point(event) {
    const left = this.#left(this.canvas.width);
    const scrolled = this.fit ? 0 : this.container.scrollTop;
    const row = Math.floor((event.offsetY + scrolled) / this.row_px);
    if (row >= this.rows.length || event.offsetY > this.canvas.height - AXIS_PX) return this.#unpoint();
    const share = Math.max(0, (event.offsetX - left) / (this.canvas.width - left));
    this.#tell(row, event.offsetX < left ? 1 : share, event.clientX, event.clientY);
  }

  #tell(row, share, x, y, aloud = false) {
    this.cursor = { row, share };
    this.canvas.dirty = true;
    const program = this.#program(row);
    if (!program.latest) return;
    const { from, to } = this.view.window();
    const at = from + share * (to - from);
    const span = program.spans.findLast((each) => each.from <= at && (at <= each.to || (program.here && each === program.spans.at(-1))));
    const { latest } = program;
    const rows = [["at", clock(at)]];
    if (span) {
      const open = program.here && span === program.spans.at(-1);
      rows.push([NAMES[span.kind], `${duration((open ? to : span.to) - span.from)}${open ? " so far" : ""}`, span.kind]);
      rows.push(["tokens", short(span.tokens)]);
      if (span.kind === "tool" && span.tool) rows.push(["tool", span.tool]);
      if (span.engine) rows.push(["engine", engineName(span.engine)]);
      if (open && latest.waits_for) rows.push(["waits for", latest.waits_for]);
    } else {
      rows.push(["state", at < program.first ? "not here yet" : "not known"]);
    }
    if (latest.group) rows.push(["group", latest.group]);
    rows.push(["steps", short(latest.steps)]);
    tooltip.show(program.id, rows, x, y, aloud);
  }

  #unpoint() {
    this.cursor = null;
    this.canvas.dirty = true;
    tooltip.hide();
  }

  #key(event) {
    const [rows, steps] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
    if (rows === undefined || !this.rows.length) return;
    event.preventDefault();
    const scrolled = this.fit ? 0 : this.container.scrollTop;
    const top = Math.ceil(scrolled / this.row_px);
    const now = this.cursor ?? { row: top - rows, share: 1 - steps / KEY_STEPS };
    const row = Math.min(this.rows.length - 1, Math.max(0, now.row + rows));
    const share = Math.min(1, Math.max(0, now.share + steps / KEY_STEPS));
    if (!this.fit) {
      const floor = this.canvas.height - AXIS_PX;
      if (row * ROW_PX < scrolled) this.container.scrollTop = row * ROW_PX;
      if ((row + 1) * ROW_PX > scrolled + floor) this.container.scrollTop = (row + 1) * ROW_PX - floor;
    }
    const box = this.container.getBoundingClientRect();
    const left = this.#left(box.width);
    const y = box.top + (row + 1) * this.row_px - (this.fit ? 0 : this.container.scrollTop);
    this.#tell(row, share, box.left + left + share * (box.width - left), y, true);
  }
}

// The end of an id tells more than its middle.
function fitted(context, words, width) {
  context.font = `11px ${colour("font")}`;
  if (context.measureText(words).width <= width) return words;
  let kept = words.length - 1;
  while (kept > 4 && context.measureText(cut(words, kept)).width > width) kept--;
  return cut(words, kept);
}

const cut = (words, kept) => `${words.slice(0, Math.ceil(kept / 2))}…${words.slice(words.length - Math.floor(kept / 2))}`;
