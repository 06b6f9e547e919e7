// The programs of the last snapshot as a table: searched, sorted by any column, with rows that are kept and only told anew.

import { duration, engineName, whole } from "./format.js";
import { kindOf } from "./history.js";

const PAGE = 50;
const WORDS = { decode: "running", prefill: "running", tool: "tool call", parked: "parked", paused: "paused" };
const COLUMNS = [
  ["Program", (p) => p.id, (p) => p.id],
  ["State", (p) => WORDS[kindOf(p)], null],
  ["For", (p) => p.since_s ?? 0, (p) => duration(p.since_s)],
  ["Tokens", (p) => p.tokens, (p) => whole(p.tokens)],
  ["Steps", (p) => p.steps, (p) => whole(p.steps)],
  ["Tool", (p) => p.tool || "", (p) => p.tool || ""],
  ["Engine", (p) => p.backend ?? "", (p) => engineName(p.backend)],
  ["Group", (p) => p.group || "", (p) => p.group || ""],
  ["Waited", (p) => p.waited_s ?? 0, (p) => (p.state === "parked" ? duration(p.waited_s) : "")],
  ["Waits for", (p) => p.waits_for ?? "", (p) => p.waits_for ?? ""],
  ["Sandboxes", (p) => p.sandboxes, (p) => (p.sandboxes ? whole(p.sandboxes) : "")],
];
const NUMBERS = new Set(["For", "Tokens", "Steps", "Waited", "Sandboxes"]);

const MAY_BE_EMPTY = new Set(["Tool", "Group", "Waited", "Waits for", "Sandboxes"]);


export class Table {
  constructor(table, more, shown) {
    Object.assign(this, { more, shown, sorted: "Waited", down: true, limit: PAGE, programs: [] });
    this.body = table.tBodies[0];
    this.rows = [];
    const head = table.tHead.insertRow();
    this.heads = COLUMNS.map(([name]) => {
      const cell = Object.assign(document.createElement("th"), { scope: "col" });
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
      button.addEventListener("click", () => this.#sort(name));
      cell.append(button);
      if (NUMBERS.has(name)) cell.className = "number";
      head.append(cell);
      return cell;
    });
    more.addEventListener("click", () => {
      this.limit += PAGE;
      this.update(this.programs);
    });
    this.#mark();
  }

  update(programs) {
    this.programs = programs;
    const [, value] = COLUMNS.find(([name]) => name === this.sorted);
    const sign = this.down ? -1 : 1;
    const sorted = programs
      .map((program) => [value(program), program])
      .sort(([a, p], [b, q]) => sign * (a < b ? -1 : a > b ? 1 : 0) || (p.id < q.id ? -1 : 1));
    const page = sorted.slice(0, this.limit);
    while (this.rows.length < page.length) this.rows.push(this.#row());
    while (this.rows.length > page.length) this.rows.pop().row.remove();
    for (const [index, [, program]] of page.entries()) this.#fill(this.rows[index], program);
    this.#hide(programs);
    this.more.hidden = sorted.length <= this.limit;
    this.shown.textContent = sorted.length > page.length ? `${page.length} of ${whole(sorted.length)}` : "";
  }

  #row() {
    const row = this.body.insertRow();
    const cells = COLUMNS.map(([name]) => {
      const cell = row.insertCell();
      cell.className = NUMBERS.has(name) ? "number" : name === "Waits for" ? "long" : "";
      return cell;
    });
    const key = document.createElement("i");
    const state = document.createTextNode("");
    cells[1].append(key, state);
    return { row, cells, key, state };
  }

  #fill({ cells, key, state }, program) {
    for (const [index, [, , words]] of COLUMNS.entries()) {
      const said = words ? words(program) : "";
      if (words && cells[index].textContent !== said) cells[index].textContent = said;
    }
    const kind = kindOf(program);
    if (key.className !== `key ${kind}`) key.className = `key ${kind}`;
    if (state.data !== WORDS[kind]) state.data = WORDS[kind];
  }

  // Columns in which nothing would be.
  #hide(programs) {
    for (const [index, [name, , words]] of COLUMNS.entries()) {
      const empty = MAY_BE_EMPTY.has(name) && !programs.some((program) => words(program));
      for (const cells of [this.heads, ...this.rows.map((row) => row.cells)]) if (cells[index].hidden !== empty) cells[index].hidden = empty;
    }
  }

  #sort(name) {
    this.down = name === this.sorted ? !this.down : NUMBERS.has(name);
    this.sorted = name;
    this.#mark();
    this.update(this.programs);
  }

  #mark() {
    for (const [index, cell] of this.heads.entries()) {
      const sorted = COLUMNS[index][0] === this.sorted;
      if (sorted) cell.setAttribute("aria-sort", this.down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
  }
}
