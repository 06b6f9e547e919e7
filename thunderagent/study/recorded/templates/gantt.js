"use strict";
// Draws the programs of each run on a canvas that can be zoomed. Without it, the page has a still picture of them.
const ROW = 18, BAR = 12, AXIS = 24, LEFT = 210, SMALLEST = 50; // pixels; the smallest part of a run that is shown, of its units

function gantt(root) {
  const data = JSON.parse(root.querySelector("script").textContent);
  const states = root.dataset.states.split(";").filter(Boolean).map((state) => state.split(","));
  const canvas = root.querySelector("canvas"), select = root.querySelector("select"), told = root.querySelector("output");
  const context = canvas.getContext("2d");
  const seconds = (units) => (units / data.units) * data.length_s;
  let from = 0, to = data.units, rows = [], width = 0, asked = false;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const x = (units) => LEFT + ((units - from) / (to - from)) * (width - LEFT);
  const units = (pixels) => from + ((pixels - LEFT) / (width - LEFT)) * (to - from);

  function show(begin, end) {
    const size = Math.min(Math.max(end - begin, SMALLEST), data.units);
    from = Math.min(Math.max(begin, 0), data.units - size);
    to = from + size;
    redraw();
  }

  function zoom(factor, at = (from + to) / 2) { show(at - (at - from) * factor, at + (to - at) * factor); }

  function redraw() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  }

  function time(value, step) {
    const digits = step >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(step)));
    return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  function step() {
    const rough = seconds(to - from) / Math.max(2, (width - LEFT) / 110), power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].find((one) => one * power >= rough) * power;
  }

  function name(text) {
    if (context.measureText(text).width <= LEFT - 14) return text;
    let kept = text.length;
    const cut = () => text.slice(0, Math.ceil(kept * 0.6)) + "…" + text.slice(text.length - Math.floor(kept * 0.4));
    while (kept > 4 && context.measureText(cut()).width > LEFT - 14) kept -= 1;
    return cut();
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1, height = rows.length * ROW + AXIS;
    width = canvas.clientWidth;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = `12px ${colour("--font")}`;
    context.textBaseline = "middle";
    const ink = colour("--ink"), muted = colour("--muted"), grid = colour("--grid"), each = step();
    context.textAlign = "center";
    for (let at = Math.ceil(seconds(from) / each) * each; at <= seconds(to); at += each) {
      const place = x((at / data.length_s) * data.units);
      context.fillStyle = grid;
      context.fillRect(Math.round(place), 0, 1, height - AXIS);
      context.fillStyle = muted;
      if (place < width - 20) context.fillText(`${time(at, each)} s`, place, height - AXIS / 2 + 2);
    }
    rows.forEach((program, row) => {
      context.fillStyle = ink;
      context.textAlign = "right";
      context.fillText(program.short ??= name(program.name), LEFT - 8, row * ROW + ROW / 2);
    });
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, width - LEFT, height - AXIS);
    context.clip();
    states.forEach(([, fill], state) => { // one state after the other: a change of colour costs more than a bar
      context.fillStyle = fill;
      rows.forEach(({ spans }, row) => {
        for (let at = 0; at < spans.length; at += 3) {
          const begin = spans[at + 1];
          if (spans[at] !== state || begin > to || begin + spans[at + 2] < from) continue;
          const left = x(begin);
          context.fillRect(left, row * ROW + (ROW - BAR) / 2, Math.max(x(begin + spans[at + 2]) - left, 0.6), BAR);
        }
      });
    });
    context.restore();
  }

  function tell(event) {
    const box = canvas.getBoundingClientRect(), at = units(event.clientX - box.left);
    const program = rows[Math.floor((event.clientY - box.top) / ROW)];
    if (!program || event.clientX - box.left < 0) { told.textContent = ""; return; }
    let text = program.name;
    for (let span = 0; span < program.spans.length; span += 3) {
      const begin = program.spans[span + 1], length = program.spans[span + 2];
      if (at >= begin && at <= begin + length) {
        text = `${program.name}: ${states[program.spans[span]][0]} ${time(seconds(length), 0.01)} s, from ${time(seconds(begin), 0.1)} s`;
      }
    }
    told.textContent = text;
  }

  function view() {
    rows = data.views[select.value].map((place) => data.programs[place]);
    redraw();
  }

  const act = {
    in: () => zoom(0.5), out: () => zoom(2), all: () => show(0, data.units),
    left: () => show(from - (to - from) / 5, to - (to - from) / 5), right: () => show(from + (to - from) / 5, to + (to - from) / 5),
  };
  const keys = { "+": "in", "=": "in", "-": "out", "0": "all", ArrowLeft: "left", ArrowRight: "right" };
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    act[keys[event.key]]();
    event.preventDefault();
  });
  root.querySelectorAll("button").forEach((button) => button.addEventListener("click", () => act[button.dataset.do]()));
  // The wheel scrolls the page, as everywhere; with Ctrl (or two fingers apart) it zooms.
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(2 ** (Math.sign(event.deltaY) * 0.4), units(Math.max(event.offsetX, LEFT)));
  }, { passive: false });
  let held = null;
  canvas.addEventListener("pointerdown", (event) => { held = [event.clientX, from, to]; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (held === null) return tell(event);
    const moved = ((event.clientX - held[0]) / (width - LEFT)) * (held[2] - held[1]);
    show(held[1] - moved, held[2] - moved);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { held = null; });
  canvas.addEventListener("pointerleave", () => { told.textContent = ""; });
  canvas.addEventListener("dblclick", (event) => zoom(0.4, units(Math.max(event.offsetX, LEFT))));
  select.addEventListener("change", view);
  window.addEventListener("resize", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  root.classList.add("live");
  view();
}

document.querySelectorAll(".gantt").forEach(gantt);
