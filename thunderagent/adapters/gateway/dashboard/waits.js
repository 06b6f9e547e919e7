// How long turns were held back in the window and are now, and why.

import { duration, whole } from "./format.js";
import { firstAfter } from "./history.js";

const BOUNDS_S = [0.5, 1, 2.5, 5, 10, 30, 60, 300, Infinity];
const MOST_SHOWN = 6;

export class Waits {
  constructor(bars, list, history, view) {
    Object.assign(this, { bars, list, history, view });
    this.rows = BOUNDS_S.map((bound, index) => {
      const row = document.createElement("div");
      row.className = "wait";
      const name = index === BOUNDS_S.length - 1 ? "longer" : `≤ ${bound < 60 ? `${bound} s` : `${bound / 60} m`}`;
      const track = Object.assign(document.createElement("div"), { className: "bar" });
      const [over, still] = ["decode", "parked"].map((key) => Object.assign(document.createElement("i"), { className: key }));
      track.append(over, still);
      const count = Object.assign(document.createElement("span"), { className: "count" });
      row.append(Object.assign(document.createElement("span"), { textContent: name }), track, count);
      return { row, over, still, count };
    });
    this.summary = Object.assign(document.createElement("p"), { className: "muted" });
    bars.append(...this.rows.map(({ row }) => row), this.summary);
  }

  update() {
    const { waits, latest } = this.history;
    const over = waits.slice(firstAfter(waits, this.view.window().from)).map((wait) => wait.waited_s);
    const waiting = latest.programs.filter((program) => program.state === "parked");
    const [of_over, of_waiting] = [counted(over), counted(waiting.map((program) => program.waited_s ?? 0))];
    const most = Math.max(1, ...of_over.map((count, index) => count + of_waiting[index]));
    for (const [index, row] of this.rows.entries()) {
      row.over.style.width = `${(100 * of_over[index]) / most}%`;
      row.still.style.width = `${(100 * of_waiting[index]) / most}%`;
      row.count.textContent = whole(of_over[index] + of_waiting[index]);
    }
    const sorted = over.sort((a, b) => a - b);
    const quantile = (share) => duration(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
    this.summary.textContent = sorted.length
      ? `${whole(sorted.length)} waits seen to end: half within ${quantile(0.5)}, 95% within ${quantile(0.95)}`
      : "No wait has ended in this window.";
    this.#why(waiting);
  }

  #why(waiting) {
    const longest = waiting.sort((a, b) => (b.waited_s ?? 0) - (a.waited_s ?? 0)).slice(0, MOST_SHOWN);
    const items = longest.map((program) => {
      const item = document.createElement("li");
      const head = document.createElement("div");
      head.append(
        Object.assign(document.createElement("b"), { textContent: program.id }),
        Object.assign(document.createElement("span"), { className: "count", textContent: duration(program.waited_s) }),
      );
      const why = Object.assign(document.createElement("p"), { className: "muted", textContent: program.waits_for ?? "" });
      item.append(head, why);
      return item;
    });
    if (waiting.length > MOST_SHOWN) {
      items.push(Object.assign(document.createElement("li"), { className: "muted", textContent: `and ${whole(waiting.length - MOST_SHOWN)} more` }));
    }
    if (!waiting.length) items.push(Object.assign(document.createElement("li"), { className: "muted", textContent: "Nobody waits." }));
    this.list.replaceChildren(...items);
  }
}

function counted(seconds) {
  const counts = BOUNDS_S.map(() => 0);
  for (const each of seconds) counts[BOUNDS_S.findIndex((bound) => each <= bound)] += 1;
  return counts;
}
