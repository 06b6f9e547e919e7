"use strict";
// Draws the programs of each run on a canvas that can be zoomed. Without it, the page has a still picture of them.
const ROW = 18, BAR = 12, AXIS = 24, NAMES = 210, SMALLEST = 50; // pixels; the smallest part of a run that is shown, of its units
const CLOCK_STEPS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

function gantt(root) {
  const data = JSON.parse(root.querySelector("script").textContent);
  const states = root.dataset.states.split(";").filter(Boolean).map((state) => state.split(","));
  const canvas = root.querySelector("canvas"), select = root.querySelector("select"), told = root.querySelector("output");
  const context = canvas.getContext("2d");
  const seconds = (units) => (units / data.units) * data.length_s;
  let from = 0, to = data.units, rows = [], width = 0, left = NAMES, asked = false;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const x = (units) => left + ((units - from) / (to - from)) * (width - left);
  const units = (pixels) => from + ((pixels - left) / (width - left)) * (to - from);

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

  function moment(value, step) { // since the run began
    if (!data.clock) return `${time(value, step)} s`;
    const whole = Math.floor(value + 1e-9), two = (number) => String(number).padStart(2, "0");
    const rest = step >= 1 ? "" : time(value - whole, step).slice(1);
    return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}${rest}`;
  }

  function step() {
    const rough = seconds(to - from) / Math.max(2, (width - left) / 110), power = 10 ** Math.floor(Math.log10(rough));
    if (data.clock && rough > 1) return CLOCK_STEPS.find((one) => one >= rough) ?? power * 10;
    return [1, 2, 5, 10].find((one) => one * power >= rough) * power;
  }

  function name(text) {
    if (context.measureText(text).width <= left - 14) return text;
    let kept = text.length;
    const cut = () => text.slice(0, Math.ceil(kept * 0.6)) + "…" + text.slice(text.length - Math.floor(kept * 0.4));
    while (kept > 4 && context.measureText(cut()).width > left - 14) kept -= 1;
    return cut();
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1, height = rows.length * ROW + AXIS;
    if (width !== canvas.clientWidth) {
      width = canvas.clientWidth;
      left = Math.min(NAMES, width * 0.3);
      data.programs.forEach((program) => { program.short = undefined; });
    }
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = `12px ${colour("--font")}`;
    context.textBaseline = "middle";
    const ink = colour("--ink"), muted = colour("--muted"), grid = colour("--grid"), each = step();
    for (let at = Math.ceil(seconds(from) / each) * each; at <= seconds(to); at += each) {
      const place = x((at / data.length_s) * data.units);
      context.fillStyle = grid;
      context.fillRect(Math.round(place), 0, 1, height - AXIS);
      context.fillStyle = muted;
      context.textAlign = place > width - 30 ? "right" : "center";
      context.fillText(moment(at, each), place > width - 30 ? width : place, height - AXIS / 2 + 2);
    }
    rows.forEach((program, row) => {
      context.fillStyle = ink;
      context.textAlign = "right";
      context.fillText(program.short ??= name(program.name), left - 8, row * ROW + ROW / 2);
    });
    context.save();
    context.beginPath();
    context.rect(left, 0, width - left, height - AXIS);
    context.clip();
    states.forEach(([, fill], state) => { // one state after the other: a change of colour costs more than a bar
      context.fillStyle = fill;
      rows.forEach(({ spans }, row) => {
        for (let at = 0; at < spans.length; at += 3) {
          const begin = spans[at + 1];
          if (spans[at] !== state || begin > to || begin + spans[at + 2] < from) continue;
          const start = x(begin);
          context.fillRect(start, row * ROW + (ROW - BAR) / 2, Math.max(x(begin + spans[at + 2]) - start, 0.6), BAR);
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
        text = `${program.name}: ${states[program.spans[span]][0]} ${time(seconds(length), 0.01)} s, from ${moment(seconds(begin), 0.1)}`;
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
    zoom(2 ** (Math.sign(event.deltaY) * 0.4), units(Math.max(event.offsetX, left)));
  }, { passive: false });
  let held = null;
  canvas.addEventListener("pointerdown", (event) => { held = [event.clientX, from, to]; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (held === null) return tell(event);
    const moved = ((event.clientX - held[0]) / (width - left)) * (held[2] - held[1]);
    show(held[1] - moved, held[2] - moved);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { held = null; });
  canvas.addEventListener("pointerleave", () => { told.textContent = ""; });
  canvas.addEventListener("dblclick", (event) => zoom(0.4, units(Math.max(event.offsetX, left))));
  select.addEventListener("change", view);
  window.addEventListener("resize", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  root.classList.add("live");
  view();
}

document.querySelectorAll(".gantt").forEach(gantt);
