// A canvas that is as sharp as the screen, knows the page's colours, and is not drawn while nobody can see it.

const dark = matchMedia("(prefers-color-scheme: dark)");
let colours = null;
dark.addEventListener("change", () => {
  colours = null;
  for (const canvas of all) canvas.dirty = true;
});
const all = new Set();

// Of the style sheet: colour("tool") is --tool.
export function colour(name) {
  colours ??= new Map();
  if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return colours.get(name);
}

export class Canvas {
  constructor(element, draw) {
    this.element = element;
    this.context = element.getContext("2d");
    this.dirty = true;
    this.draw = draw;
    this.seen = false;
    this.width = this.height = 0;
    this.resizes = new ResizeObserver(() => this.#resize());
    this.resizes.observe(element);
    this.sights = new IntersectionObserver((entries) => {
      this.seen = entries.at(-1).isIntersecting;
      this.dirty = true;
    });
    this.sights.observe(element);
    all.add(this);
  }

  // If there is something new; tells whether it drew.
  refresh() {
    if (!this.dirty || !this.seen || !this.width) return false;
    this.dirty = false;
    const scale = devicePixelRatio || 1;
    const size = [Math.round(this.width * scale), Math.round(this.height * scale)];
    if (this.element.width !== size[0] || this.element.height !== size[1]) [this.element.width, this.element.height] = size;
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
    this.context.clearRect(0, 0, this.width, this.height);
    this.draw(this.context, this.width, this.height);
    return true;
  }

  remove() {
    this.resizes.disconnect();
    this.sights.disconnect();
    all.delete(this);
  }

  #resize() {
    this.width = this.element.clientWidth;
    this.height = this.element.clientHeight;
    this.dirty = true;
  }
}

export function text(context, words, x, y, { ink = "muted", align = "left", size = 11, weight = 400 } = {}) {
  context.fillStyle = colour(ink);
  context.font = `${weight} ${size}px ${colour("font")}`;
  context.textAlign = align;
  context.textBaseline = "middle";
  context.fillText(words, x, y);
}

// Slanted lines over what waits: told apart without colours too.
const hatches = new Map();
export function hatch(context, name) {
  const key = colour(name);
  if (!hatches.has(key)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const drawn = tile.getContext("2d");
    drawn.fillStyle = key;
    drawn.fillRect(0, 0, 6, 6);
    drawn.strokeStyle = "rgb(255 255 255 / 45%)";
    drawn.lineWidth = 1.5;
    drawn.beginPath();
    for (const at of [-6, 0, 6]) {
      drawn.moveTo(at, 6);
      drawn.lineTo(at + 6, 0);
    }
    drawn.stroke();
    hatches.set(key, tile);
  }
  return context.createPattern(hatches.get(key), "repeat");
}

export function axisSteps(window_s) {
  const step = [5, 10, 15, 30, 60, 120, 180, 300].find((each) => window_s / each <= 6);
  return step ?? 300;
}
